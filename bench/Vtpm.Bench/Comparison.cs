using Vtpm.Client;
using Vtpm.Wire;
using static Vtpm.Bench.Workbench;

namespace Vtpm.Bench;

/// <summary>All figures of the project's aims, of two TPMs on one machine in one run.</summary>
internal sealed class Comparison(Peer ours, Peer theirs, Scale scale, string stateOn)
{
    private const string NvWrite = "TPM_NV_WriteValue of 64 bytes";

    /// <summary>What can be measured, step by step; a step's figures come from one stretch of time.</summary>
    public IEnumerable<(string Name, Func<Row[]> Run)> Steps() =>
    [
        ($"{scale.Lives} lives of both: start, endorsement key, owner, restart", Lives),
        ("memory of one process", () => Memory("one process", 1)),
        ($"memory of {scale.Processes} processes", () => Memory($"each of {scale.Processes} processes", scale.Processes)),
        .. Duels().Select(duel => (duel.Name, (Func<Row[]>)(() => Operation(duel)))),
        (NvWrite, DurableWrites),
        .. new ManagerFigures(ours, scale, stateOn).Steps(),
    ];

    /// <summary>From the first start over owner and keys to a restart.</summary>
    private Row[] Lives()
    {
        var us = new Lives(ours, stateOn);
        var them = new Lives(theirs, stateOn);
        Duel.Alternate(scale.Lives + 1, us.Live, them.Live);
        return
        [
            new("Start to first answer, new state", Unit.Milliseconds, us.FirstStart, them.FirstStart, Aim.TenTimes),
            new("Start to first answer, owned state", Unit.Milliseconds, us.Restart, them.Restart, Aim.TenTimes),
            new("TPM_CreateEndorsementKeyPair 2048: round trip", Unit.Milliseconds, us.EndorsementKey, them.EndorsementKey, Aim.OnAPar),
            new("TPM_TakeOwnership, SRK 2048: round trip", Unit.Milliseconds, us.Ownership, them.Ownership, Aim.OnAPar),
        ];
    }

    private Row[] Memory(string whose, int processes)
    {
        var us = new Crowd(ours, processes, stateOn);
        var them = new Crowd(theirs, processes, stateOn);
        Duel.Alternate(rounds: 1, us.Measure, them.Measure);
        // With one process, its libraries are its own; with many, as a host has them, they are shared.
        Aim? aim = processes > 1 ? Aim.NoMore : null;
        return
        [
            new($"PSS, {whose}, after start", Unit.Kibibytes, us.AfterStart, them.AfterStart, aim),
            new($"PSS, {whose}, after {Crowd.Commands} commands", Unit.Kibibytes, us.AfterCommands, them.AfterCommands, aim),
        ];
    }

    private Row[] Operation(OperationDuel duel)
    {
        using var cpu = new OneCpu();
        using var us = new Workbench(ours, stateOn);
        using var them = new Workbench(theirs, stateOn);
        return duel.Run(us, them);
    }

    private OperationDuel[] Duels() =>
    [
        Cheap("TPM_GetRandom(32)", bench => new RawOperation(bench, TpmOrdinal.GetRandom, Numbers(32))),
        Cheap("TPM_PCRRead", bench => new RawOperation(bench, TpmOrdinal.PcrRead, Numbers(0))),
        Cheap("TPM_Extend", bench => new RawOperation(bench, TpmOrdinal.Extend, [.. Numbers(10), .. new byte[TpmDigest.Size]])),
        Cheap("TPM_GetCapability(version)", bench => new RawOperation(bench, TpmOrdinal.GetCapability, Numbers((uint)TpmCapability.Version, 0))),
        Cheap("TPM_NV_ReadValue of 64 bytes", bench => new RawOperation(bench, TpmOrdinal.NvReadValue, Numbers(NvIndex, 0, DataSize))),
        Cheap("TPM_OIAP and TPM_FlushSpecific", bench => new SessionOperation(bench)),
        Cheap("TPM_ExecuteTransport of TPM_GetRandom(32)", bench => new TransportOperation(bench, TpmTransportAttributes.None)),
        Cheap("TPM_ExecuteTransport, encrypted (MGF1)", bench => new TransportOperation(bench, TpmTransportAttributes.Encrypt)),
        Rsa("TPM_Seal of 64 bytes", bench => new SealOperation(bench), null),
        Rsa("TPM_Unseal", bench => new UnsealOperation(bench), Aim.FourTimes),
        Rsa("TPM_Sign", bench => new SignOperation(bench), Aim.FourTimes),
        Rsa("TPM_Quote of 8 PCRs", bench => new QuoteOperation(bench), Aim.FourTimes),
        Rsa("TPM_LoadKey2", bench => new LoadKeyOperation(bench), Aim.FourTimes),
        new("TPM_CreateWrapKey 2048", bench => new CreateWrapKeyOperation(bench), scale.KeyRounds, calls: 1, Aim.OnAPar),
        new("TPM_DAA_Join, all stages", bench => new DaaJoinOperation(bench), scale.KeyRounds, calls: 1),
        new("TPM_DAA_Sign, all stages", bench => new DaaSignOperation(bench), scale.KeyRounds, calls: 1),
    ];

    /// <summary>Their round trip is mostly how fast the kernel wakes a process up: the server's CPU time is the figure.</summary>
    private OperationDuel Cheap(string name, Func<Workbench, Operation> create) => new(name, create, scale.CheapRounds, scale.CheapCalls, cpuAim: Aim.NoMore);

    private OperationDuel Rsa(string name, Func<Workbench, Operation> create, Aim? aim) => new(name, create, scale.RsaRounds, scale.RsaCalls, aim);

    /// <summary>
    /// Ours is on the disk when it is answered; swtpm's is in the page cache. So the measure is the disk itself: a command that writes nothing, and a
    /// write with fdatasync beside it.
    /// </summary>
    private Row[] DurableWrites()
    {
        using var cpu = new OneCpu();
        using var us = new Workbench(ours, stateOn);
        using var them = new Workbench(theirs, stateOn);
        using var disk = new DiskCost(stateOn);
        var diskCost = new Samples();
        var ourWrites = new Caller(new NvWriteOperation(us), us.Tpm);
        var ourReads = new Caller(new RawOperation(us, TpmOrdinal.NvReadValue, Numbers(NvIndex, 0, DataSize)), us.Tpm);
        var theirWrites = new Caller(new NvWriteOperation(them), them.Tpm);
        // Single calls in turn: a disk's mood changes quickly.
        Duel.Alternate(
            scale.RsaRounds * scale.RsaCalls, ourWrites.Call, round => diskCost.Add(ourReads.Measure(round) + disk.Measure()), theirWrites.Call);
        return
        [
            new($"{NvWrite}: ours durable, against TPM_NV_ReadValue and write + fdatasync", Unit.Milliseconds, ourWrites.RoundTrip, diskCost, Aim.DiskCost, Other: " (disk)"),
            new($"{NvWrite}: ours durable, swtpm's not", Unit.Milliseconds, ourWrites.RoundTrip, theirWrites.RoundTrip, Other: " (no fsync)"),
        ];
    }

    private sealed class Caller(Operation operation, TpmProcess tpm)
    {
        public Samples RoundTrip { get; } = new();

        public void Call(int round) => RoundTrip.Add(Measure(round));

        public double Measure(int round)
        {
            tpm.Link.Watch(operation.Ordinals);
            operation.Call(round);
            return tpm.Link.Elapsed.TotalMilliseconds;
        }
    }
}
