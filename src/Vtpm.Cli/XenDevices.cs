using Vtpm.Instance;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Cli;

/// <summary>A vTPM's clients on Xen: the frontends that the toolstack gives this domain for the vTPM's uuid.</summary>
internal sealed class XenDevices : IDisposable
{
    private readonly LinuxXenHost _host;
    private readonly Tpmback _back;

    /// <param name="requests">Answers them.</param>
    /// <param name="guests">Which domains they are.</param>
    /// <param name="uuid">The vTPM's; null in a domain that has this vTPM alone.</param>
    /// <param name="log">The log.</param>
    public XenDevices(GuestRequests requests, GuestDomains guests, Guid? uuid, Action<string> log)
    {
        _host = LinuxXenHost.Open();
        _back = new Tpmback(
            _host,
            (client, locality, request, response) =>
                requests.Execute($"frontend {client}", client.Label ?? $"xen:{client}", locality, request, response),
            new TpmbackOptions
            {
                ClientOpened = client => (uuid is null || client.Uuid == uuid) && Open(client, guests, log),
                ClientClosed = _ => guests.Close(),
                Log = log,
            });
    }

    /// <summary>A connection to what an address names, this domain's own vTPM device included.</summary>
    public static ITpmConnection Connect(TpmAddress address) =>
        address == TpmAddress.Xen ? Tpmfront.OpenOwn() : TpmConnection.Open(address);

    private static bool Open(TpmbackClient client, GuestDomains guests, Action<string> log)
    {
        if (client.History == DomainHistory.Running)
        {
            log($"NO RECORD OF THE BOOT of domain {client.Domain}, which ran before it had this vTPM: what its PCRs hold is the guest's word alone "
                + "('vtpm tpmback' keeps a record)");
        }

        return guests.Open(client.Domain);
    }

    public void Run() => _back.Run();

    public void Stop() => _back.Stop();

    public void Dispose()
    {
        _back.Dispose();
        _host.Dispose();
    }
}
