using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Manager;

/// <summary>
/// The vTPMs that are domains of their own, by the devices that Xen's toolstack gives them: the hypervisor and the toolstack say who each is. One link
/// for each device, for as long as its domain lives: what connects within the domain, a boot loader, a kernel, a program, is the same vTPM. It is there
/// before the image is open, which hardware may take its time for: the first requests wait.
/// </summary>
internal sealed class ManagerBackend : IDisposable
{
    private readonly VtpmManager _manager;
    private readonly ManagerLog _log;
    private readonly EarlyTpmback _back;
    private readonly List<TpmbackClient> _deferred = [];
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];

    public ManagerBackend(VtpmManager manager, IXenHost host, ManagerLog log)
    {
        _manager = manager;
        _log = log;
        _back = new EarlyTpmback(host, new TpmbackOptions { ClientClosed = Closed, TurnEnded = Finish, Log = log.Info });
    }

    public void Run() => _back.Serve(Begin);

    public void Stop() => _back.Stop();

    /// <summary>The devices stay in xenstore as they are, for the manager that comes next.</summary>
    public void Dispose() => _back.Dispose();

    private int Begin(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        var connection = (ManagerConnection)(client.State ??= Connect(client));
        int length = connection.Begin(request, response);
        if (length == TpmServer.Deferred) _deferred.Add(client);
        return length;
    }

    // Not before its first request: its label is known by then.
    private ManagerConnection Connect(TpmbackClient client)
    {
        string? label = client.Label;
        if (label is not null && (!VtpmLabel.IsSane(label) || VtpmLabel.IsReserved(label)))
        {
            _log.Warn($"vTPM {client.Uuid}: the XSM label of domain {client.Domain} is none that a policy gives; it counts as none");
            label = null;
        }

        _log.Info($"vTPM {client.Uuid} is domain {client.Domain}, {(label is null ? "without an XSM label" : $"XSM label {label}")}");
        return _manager.Connect(new VtpmPeer(client.Uuid, label ?? VtpmLabel.OnXen(client.Uuid)), Finish);
    }

    private void Closed(TpmbackClient client) => (client.State as ManagerConnection)?.Dispose();

    /// <summary>Answers what shares a save: at the end of a turn, or before a request that is not to come before them.</summary>
    private void Finish()
    {
        foreach (TpmbackClient client in _deferred)
        {
            int length = ((ManagerConnection)client.State!).Finish(_response);
            _back.Back.Complete(client, _response.AsSpan(0, length));   // nobody's, when its domain has gone meanwhile
        }

        _deferred.Clear();
    }
}
