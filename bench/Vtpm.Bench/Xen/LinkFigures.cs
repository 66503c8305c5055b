using Vtpm.Wire;
using static Vtpm.Bench.Workbench;

namespace Vtpm.Bench;

/// <summary>
/// What a guest's command costs its vTPM's process, on this machine and not on an emulated one: behind the link of <c>vtpm tpmback</c>, and swtpm's on
/// its socket, in turn.
/// </summary>
internal sealed class LinkFigures(Peer ours, Peer theirs, Scale scale, string stateOn)
{
    private const int WarmUpRounds = 2;

    private static readonly (string Name, byte[] Command)[] Commands =
    [
        ("TPM_PCRRead", Command(TpmOrdinal.PcrRead, Numbers(0))),
        ("TPM_Extend", Command(TpmOrdinal.Extend, [.. Numbers(10), .. new byte[TpmDigest.Size]])),
        ("TPM_GetRandom(32)", Command(TpmOrdinal.GetRandom, Numbers(32))),
        ("TPM_GetCapability(version)", Command(TpmOrdinal.GetCapability, Numbers((uint)TpmCapability.Version, 0))),
    ];

    public Row[] Run()
    {
        using var cpu = new OneCpu();
        using var site = new ManagerSite(ours, vtpms: 1, stateOn);
        using ManagerProcess manager = site.StartManager(site.Uuids);
        using var us = new LinkedVtpm(ours.Executable, manager.SocketPath(0), site.Uuids[0], site.Folder);
        using var them = new TpmProcess(theirs, stateOn);
        them.Start();
        them.MakeReady();
        byte[] response = new byte[TpmHeader.Size + 1024];
        return
        [
            .. Commands.Select(one =>
            {
                var our = new Samples();
                var their = new Samples();
                Duel.Alternate(
                    WarmUpRounds + scale.CheapRounds,
                    round => Round(us.Figures, () => us.Send(one.Command), our, round),
                    round => Round(them.Figures, () => them.Link.Transmit(one.Command, response), their, round));
                return new Row($"Not emulated, {one.Name}: vTPM behind its link", Unit.Microseconds, our, their, Other: " (socket)");
            }),
        ];
    }

    private void Round(ProcessFigures figures, Action call, Samples samples, int round)
    {
        double before = figures.ReadCpu();
        for (int i = 0; i < scale.CheapCalls; i++) call();
        double each = (figures.ReadCpu() - before) / scale.CheapCalls;
        if (round >= WarmUpRounds) samples.Add(each);
    }
}
