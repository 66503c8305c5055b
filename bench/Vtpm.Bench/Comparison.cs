using Vtpm.Client;
using Vtpm.Wire;
using static Vtpm.Bench.Workbench;

namespace Vtpm.Bench;

/// <summary>All figures of the project's aims, of two TPMs on one machine in one run.</summary>
internal sealed class Comparison(Peer ours, Peer theirs, Scale scale, string stateOn, Action<string> progress)
{
    public IEnumerable<Row> Run() => [.. Lives(), .. Memory(), .. Operations(), .. DurableWrites()];

    /// <summary>From the first start over owner and keys to a restart.</summary>
    private Row[] Lives()
    {
        progress($"{scale.Lives} lives of both: start, endorsement key, owner, restart");
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

    private Row[] Memory()
    {
        var rows = new List<Row>();
        foreach (int processes in (int[])[1, scale.Processes])
        {
            progress($"memory of {processes} at a time");
            var us = new Crowd(ours, processes, stateOn);
            var them = new Crowd(theirs, processes, stateOn);
            Duel.Alternate(rounds: 1, us.Measure, them.Measure);
            // With one process, its libraries are its own; with many, as a host has them, they are shared.
            Aim? aim = processes > 1 ? Aim.NoMore : null;
            rows.Add(new Row($"PSS, {Each(processes)}, after start", Unit.Kibibytes, us.AfterStart, them.AfterStart, aim));
            rows.Add(new Row($"PSS, {Each(processes)}, after 200 commands", Unit.Kibibytes, us.AfterCommands, them.AfterCommands, aim));
        }

        return [.. rows];

        static string Each(int processes) => processes == 1 ? "one process" : $"each of {processes} processes";
    }

    private Row[] Operations()
    {
        using var us = new Workbench(ours, stateOn);
        using var them = new Workbench(theirs, stateOn);
        var rows = new List<Row>();
        foreach (OperationDuel duel in Duels())
        {
            progress(duel.Name);
            (Row roundTrip, Row cpu) = duel.Run(us, them);
            rows.Add(roundTrip);
            rows.Add(cpu);
        }

        return [.. rows];
    }

    private OperationDuel[] Duels() =>
    [
        Cheap("TPM_GetRandom(32)", bench => new RawOperation(bench, TpmOrdinal.GetRandom, Numbers(32))),
        Cheap("TPM_PCRRead", bench => new RawOperation(bench, TpmOrdinal.PcrRead, Numbers(0))),
        Cheap("TPM_Extend", bench => new RawOperation(bench, TpmOrdinal.Extend, [.. Numbers(10), .. new byte[TpmDigest.Size]])),
        Cheap("TPM_GetCapability(version)", bench => new RawOperation(bench, TpmOrdinal.GetCapability, Numbers((uint)TpmCapability.Version, 0))),
        Cheap("TPM_NV_ReadValue of 64 bytes", bench => new RawOperation(bench, TpmOrdinal.NvReadValue, Numbers(NvIndex, 0, DataSize))),
        Cheap("TPM_OIAP and TPM_FlushSpecific", bench => new SessionOperation(bench)),
        Rsa("TPM_Seal of 64 bytes", bench => new SealOperation(bench), null),
        Rsa("TPM_Unseal", bench => new UnsealOperation(bench), Aim.FourTimes),
        Rsa("TPM_Sign", bench => new SignOperation(bench), Aim.FourTimes),
        Rsa("TPM_Quote of 8 PCRs", bench => new QuoteOperation(bench), Aim.FourTimes),
        Rsa("TPM_LoadKey2", bench => new LoadKeyOperation(bench), Aim.FourTimes),
        new("TPM_CreateWrapKey 2048", bench => new CreateWrapKeyOperation(bench), scale.KeyRounds, calls: 1, Aim.OnAPar),
    ];

    /// <summary>Their round trip is mostly how fast the kernel wakes a process up: the server's CPU time is the figure.</summary>
    private OperationDuel Cheap(string name, Func<Workbench, Operation> create) => new(name, create, scale.CheapRounds, scale.CheapCalls, cpuAim: Aim.NoMore);

    private OperationDuel Rsa(string name, Func<Workbench, Operation> create, Aim? aim) => new(name, create, scale.RsaRounds, scale.RsaCalls, aim);

    /// <summary>Ours is on the disk when it is answered; swtpm's is in the page cache, so the disk itself is the measure.</summary>
    private Row[] DurableWrites()
    {
        const string name = "TPM_NV_WriteValue of 64 bytes";
        progress(name);
        using var us = new Workbench(ours, stateOn);
        using var them = new Workbench(theirs, stateOn);
        using var disk = new DiskCost(stateOn);
        var diskCost = new Samples();
        byte[] body = [.. Numbers(NvIndex, 0, DataSize), .. us.Data];
        var ourSide = new Side(new NvWriteOperation(us, body), us.Tpm);
        var theirSide = new Side(new NvWriteOperation(them, body), them.Tpm);
        // Single calls in turn: a disk's mood changes quickly.
        Duel.Alternate(scale.RsaRounds * scale.RsaCalls, ourSide.Call, _ => diskCost.Add(disk.Measure()), theirSide.Call);
        return
        [
            new($"{name}: durable, against write + fdatasync alone", Unit.Milliseconds, ourSide.RoundTrip, diskCost, Aim.DiskCost, Other: " (disk)"),
            new($"{name}: ours durable, swtpm's not", Unit.Milliseconds, ourSide.RoundTrip, theirSide.RoundTrip, Other: " (no fsync)"),
        ];
    }

    private sealed class Side(Operation operation, TpmProcess tpm)
    {
        public Samples RoundTrip { get; } = new();

        public void Call(int round)
        {
            tpm.Link.Watch(operation.Ordinals);
            operation.Call(round);
            RoundTrip.Add(tpm.Link.Elapsed.TotalMilliseconds);
        }
    }
}
