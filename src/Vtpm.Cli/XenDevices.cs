using Vtpm.Instance;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary>
/// A vTPM's clients on Xen: the frontends that the toolstack gives this domain for the vTPM's uuid. They are taken before the TPM starts, which can take
/// longer than the toolstack waits for that.
/// </summary>
internal sealed class XenDevices : IDisposable
{
    private readonly LinuxXenHost _host = LinuxXenHost.Open();
    private readonly GuestDomains _guests;
    private readonly EarlyTpmback _back;

    /// <param name="uuid">The vTPM's; null in a domain that has this vTPM alone.</param>
    /// <param name="log">The log.</param>
    /// <param name="warn">Takes what must be seen.</param>
    public XenDevices(Guid? uuid, Action<string> log, Action<string> warn)
    {
        _guests = new GuestDomains(warn);
        _back = new EarlyTpmback(_host, new TpmbackOptions
        {
            ClientOpened = client => (uuid is null || client.Uuid == uuid) && _guests.Open(client.Domain, MayHaveRun(client)),
            ClientClosed = _ => _guests.Close(),
            Log = log,
        });
    }

    /// <summary>A connection to what an address names, this domain's own vTPM device included.</summary>
    public static ITpmConnection Connect(TpmAddress address) =>
        address == TpmAddress.Xen ? Tpmfront.OpenOwn() : TpmConnection.Open(address);

    /// <summary>The TPM has started: serves until <see cref="Stop"/>.</summary>
    public void Serve(VirtualTpm vtpm, GuestRequests requests) => _back.Serve(
        (client, locality, request, response) => requests.Execute(client.Title, client.LabelOrAddress, locality, request, response),
        () => _guests.Start(vtpm.Reset));

    public void Stop() => _back.Stop();

    public void Dispose()
    {
        _back.Dispose();
        _host.Dispose();
    }

    private static bool MayHaveRun(TpmbackClient client) => client.WasAnnounced || client.History is DomainHistory.Running or DomainHistory.Restored;
}
