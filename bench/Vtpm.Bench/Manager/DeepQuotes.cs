using System.Diagnostics;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>A guest's vTPM as a process at a manager, and what TPM_DeepQuote costs all of them.</summary>
internal sealed class DeepQuotes : IDisposable
{
    private const VtpmQuoteFlags AllFlags =
        VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.VtpmMeasurements | VtpmQuoteFlags.GroupInfo | VtpmQuoteFlags.GroupPubkey;

    private readonly TpmProcess _guest;
    private readonly TpmSecret _wellKnown = TpmSecret.WellKnown();
    private readonly ManagerProcess _manager;
    private readonly TpmProcess _hardware;

    public DeepQuotes(Peer ours, ManagerSite site, ManagerProcess manager, string stateOn)
    {
        _manager = manager;
        _hardware = site.Hardware;
        var peer = new Peer(
            "vtpm run",
            ours.Version,
            ours.Executable,
            (directory, socket) => ["run", "--image", Path.Combine(directory, "i"), "--manager", $"unix:{manager.SocketPath(0)}", "--listen", $"unix:{socket}"],
            NeedsPhysicalPresence: false,
            IsStarted: true);
        _guest = new TpmProcess(peer, stateOn);
        _guest.Start();
        _guest.TakeOwnership();
    }

    public Samples RoundTrip { get; } = new();

    public Samples GuestCpu { get; } = new();

    public Samples ManagerCpu { get; } = new();

    public Samples HardwareCpu { get; } = new();

    public void Round(int calls, bool counts)
    {
        double[] before = ReadCpu();
        for (int i = 0; i < calls; i++)
        {
            Quote();
            if (counts) RoundTrip.Add(_guest.Link.Elapsed.TotalMilliseconds);
        }

        if (!counts) return;
        double[] after = ReadCpu();
        Samples[] samples = [GuestCpu, ManagerCpu, HardwareCpu];
        for (int i = 0; i < samples.Length; i++) samples[i].Add((after[i] - before[i]) / calls);
    }

    public void Quote()
    {
        using TpmSession owner = _guest.Client.Oiap(_wellKnown);
        _guest.Link.Watch([TpmOrdinal.DeepQuote]);
        _guest.Client.DeepQuote(owner, default, TpmPcrSelection.Of(0, 1, 2, 3, 4, 5, 6, 7), TpmPcrSelection.Of(0, 1, 2, 3, 4, 5, 6, 7), AllFlags);
    }

    public void Dispose()
    {
        _guest.Dispose();
        _wellKnown.Dispose();
    }

    private double[] ReadCpu() => [_guest.Figures.ReadCpu(), _manager.Figures.ReadCpu(), _hardware.Figures.ReadCpu()];
}
