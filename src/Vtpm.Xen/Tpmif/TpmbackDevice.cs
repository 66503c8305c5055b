using System.Globalization;
using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary>One device: its place in xenstore, and while its frontend is connected the page and the event channel.</summary>
/// <remarks><code>
///  backend:  2 InitWait ──frontend 3 or 4──► 4 Connected ──frontend 5──► 5 Closing ──frontend 6──► 2 InitWait (again, for the next kernel)
///                                                                  online = 0, or the frontend gone ──► 6 Closed
/// </code>
/// A backend that starts may find a device in any of these: the one before it has died, or was stopped. Xen has unmapped that one's page and closed
/// its port, which leaves the frontend's port to be bound again; the frontend need not notice.
/// </remarks>
internal sealed partial class TpmbackDevice : IDisposable
{
    private const string Version2 = "feature-protocol-v2";

    private readonly IXenHost _host;
    private readonly string _path;
    private readonly string _frontendPath;
    private readonly Allowance _states = new(burst: 64, TimeSpan.FromMilliseconds(100));
    private TpmifPage? _page;
    private uint _port;
    private XenbusState _state = XenbusState.Initialising;

    /// <summary>The backend before us may have executed what is on the page.</summary>
    private bool _inherited;

    /// <summary>Which connection this is; and which one asked what is executed, if that was another.</summary>
    private int _connection;
    private int _asking;

    private TpmbackDevice(IXenHost host, string path, string frontendPath, TpmbackClient client, Action<string> log, Func<TimeSpan> now)
    {
        _host = host;
        _path = path;
        _frontendPath = frontendPath;
        Client = client;
        WatchToken = $"fe-{client}";
        Log = new BoundedLog($"frontend {client}", log, now).Write;
    }

    public TpmbackClient Client { get; }

    /// <summary>The token of the watch on the frontend's state.</summary>
    public string WatchToken { get; }

    /// <summary>The toolstack and the frontend were told that somebody is here.</summary>
    public bool IsAnnounced { get; private set; }

    /// <summary>What xenstore says is looked at in a while.</summary>
    public bool FollowsLater { get; set; }

    /// <summary>The log of what this frontend does.</summary>
    public Action<string> Log { get; }

    public string FrontendStatePath => $"{_frontendPath}/state";

    /// <summary>The local port; 0 while nobody is connected.</summary>
    public uint Port => _page is null ? 0 : _port;

    /// <summary>It has closed for good.</summary>
    public bool IsClosed => _state == XenbusState.Closed;

    /// <summary>A device that the toolstack has announced; null when it is none, or not yet whole.</summary>
    public static TpmbackDevice? Find(IXenHost host, string path, uint domain, uint device, Action<string> log, Func<TimeSpan> now)
    {
        IXenStore store = host.Store;
        if (store.Read($"{path}/frontend") is not { Length: > 0 } frontend || store.Read($"{path}/frontend-id") is not { } id) return null;
        if (!uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out uint frontendId) || frontendId != domain)
        {
            log($"{path}: frontend-id {id} is not the domain that it stands under; left alone");
            return null;
        }

        if (!Guid.TryParse(store.Read($"{path}/uuid"), out Guid uuid))
        {
            log($"{path}: the toolstack gives no uuid; left alone");
            return null;
        }

        DomainInfo? info = host.Describe(domain);
        var client = new TpmbackClient(domain, device, uuid)
        {
            DomainUuid = info?.Uuid ?? DomainUuid(store, domain),
            History = info switch
            {
                null => DomainHistory.Unknown,
                { HasRun: true } => DomainHistory.Running,
                { IsRestored: true } => DomainHistory.Restored,
                _ => DomainHistory.Fresh,
            },
            Label = info?.Label,
            WasAnnounced = store.Read($"{path}/state") is not (null or "1"),
        };
        return new TpmbackDevice(host, path, frontend, client, log, now);
    }

    /// <summary>
    /// Tells the toolstack and the frontend that somebody is here, or goes on where another backend ended, and watches the frontend.
    /// </summary>
    public void Announce()
    {
        // Not to bring a path back that the toolstack has removed.
        if (_host.Store.Read($"{_path}/frontend") is null) throw new XenException("the toolstack has taken the device away");
        IsAnnounced = true;
        XenbusState found = StateOf(_path);
        _host.Store.Write($"{_path}/{Version2}", "1");
        if (found is XenbusState.InitWait or XenbusState.Connected or XenbusState.Closing)
        {
            _state = found;
            _inherited = found == XenbusState.Connected;
            Log($"frontend {Client}: taken over from a backend that has gone");
        }
        else
        {
            SetState(XenbusState.InitWait);
            if (Client.History == DomainHistory.Restored)
                Log($"frontend {Client}: its domain was restored or migrated; a vTPM that is started now has no record of its boot");
            if (Client.History == DomainHistory.Running)
                Log($"frontend {Client}: its domain was running when this device came; a vTPM that is started now has no record of its boot");
        }

        _host.Store.Watch(FrontendStatePath, WatchToken);
    }

    /// <summary>A change in xenstore: zero, or how long to wait before it may be followed.</summary>
    public TimeSpan TakeState(TimeSpan now) => _states.Take(now);

    /// <summary>Looks at what the toolstack and the frontend say now, and follows.</summary>
    /// <returns>Whether the page is to be looked at, since the frontend may have put a request there before we came.</returns>
    public bool Follow()
    {
        XenbusState frontend = StateOf(_frontendPath);
        if (_host.Store.Read($"{_path}/online") is not "1" || frontend == XenbusState.Unknown)
        {
            // A connected frontend is served until it has closed: its driver first ends what it is in the middle of, and the toolstack, which waits
            // for our Closed, may give the same device back at once. A frontend that never closes is the toolstack's to remove.
            XenbusState own = StateOf(_path);
            bool isGone = frontend is XenbusState.Unknown or XenbusState.Closed || own == XenbusState.Unknown;
            if (isGone || (_page is null && own == XenbusState.Closing)) Close();
            return false;
        }

        if (!IsAnnounced) return false;
        switch (frontend)
        {
            case XenbusState.Initialised or XenbusState.Connected when _page is null:
                return TryConnect();
            case XenbusState.Initialising when _page is null && _state != XenbusState.InitWait:
                // It began anew while nobody was here to follow it.
                _inherited = false;
                SetState(XenbusState.InitWait);
                break;
            case XenbusState.Closing when _state == XenbusState.Connected:
                Disconnect();
                SetState(XenbusState.Closing);
                break;
            case XenbusState.Closed when _state is XenbusState.Connected or XenbusState.Closing:
                Disconnect();
                _inherited = false;
                // For the kernel that a boot loader starts, and for a driver that is loaded again.
                SetState(XenbusState.InitWait);
                break;
            default:
                break;
        }

        return false;
    }

    /// <summary>Ends the connection, and says so.</summary>
    public void Close()
    {
        Disconnect();
        if (_state == XenbusState.Closed) return;
        if (IsAnnounced) _host.Store.Unwatch(FrontendStatePath, WatchToken);
        try
        {
            // Not to bring a path back that the toolstack has removed.
            if (_host.Store.Read($"{_path}/state") is not null) SetState(XenbusState.Closed);
        }
        finally
        {
            _state = XenbusState.Closed;
        }
    }

    /// <summary>Ends the connection without a word: the device is gone, or the backend is.</summary>
    public void Dispose() => Disconnect();

    private void Disconnect()
    {
        if (_page is null) return;
        try
        {
            _host.UnbindEventChannel(_port);
        }
        catch (XenException e)
        {
            Log($"frontend {Client}: {e.Message}");
        }

        _page.Dispose();
        _page = null;
        _port = 0;
    }

    private bool TryConnect()
    {
        if (_host.Store.Read($"{_frontendPath}/{Version2}") != "1")
        {
            Log($"frontend {Client} does not speak version 2 of the protocol; left alone");
            return false;
        }

        if (Number("ring-ref") is not { } reference || Number("event-channel") is not { } port)
        {
            Log($"frontend {Client} says that it is there, and gives no page or no event channel; left alone");
            return false;
        }

        uint domain = Client.Domain;
        var page = new TpmifPage(_host.MapGrant(domain, reference), extra => _host.MapGrant(domain, extra));
        try
        {
            _port = _host.BindEventChannel(domain, port);
            _page = page;
            _connection++;
            Client.IsAnswered = _inherited;
            Client.Label = _host.LabelOfPeer(_port) ?? Client.Label;
            _host.Store.Write($"{_path}/ready", "1");
            SetState(XenbusState.Connected);
            return true;
        }
        catch
        {
            if (_page is null) page.Dispose();
            else Disconnect();
            throw;
        }
    }

    private uint? Number(string name) =>
        uint.TryParse(_host.Store.Read($"{_frontendPath}/{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : null;

    // The toolstack's word: a guest may only read it, and a driver domain not even that.
    private static Guid? DomainUuid(IXenStore store, uint domain)
    {
        const string prefix = "/vm/";
        string? vm = store.Read(string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain}/vm"));
        if (vm is null || !vm.StartsWith(prefix, StringComparison.Ordinal)) return null;
        return Guid.TryParse(vm.AsSpan(prefix.Length), out Guid uuid) ? uuid : null;
    }

    private XenbusState StateOf(string path) =>
        int.TryParse(_host.Store.Read($"{path}/state"), NumberStyles.None, CultureInfo.InvariantCulture, out int state) && state is > 0 and <= 6
            ? (XenbusState)state
            : XenbusState.Unknown;

    private void SetState(XenbusState state)
    {
        _host.Store.Write($"{_path}/state", ((int)state).ToString(CultureInfo.InvariantCulture));
        _state = state;
    }
}
