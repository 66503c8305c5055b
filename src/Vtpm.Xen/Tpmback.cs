using System.Globalization;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Xen;

/// <summary>
/// <c>tpmback</c>: the backend of the vTPM devices that the toolstack gives this domain, for any number of frontends, in turn. One thread.
/// </summary>
/// <remarks>
/// A frontend can do harm to nobody but itself: what goes wrong with one is logged and ends its connection alone. Each turn serves one request of
/// each frontend that has one.
/// </remarks>
public sealed class Tpmback : IDisposable
{
    /// <summary>Relative to the own domain, so that dom0 and a driver domain have the same code.</summary>
    private const string Root = "backend/vtpm";

    private const string RootToken = "be";

    private readonly IXenHost _host;
    private readonly TpmbackHandler _handler;
    private readonly TpmbackOptions _options;
    private readonly Dictionary<(uint Domain, uint Device), TpmbackDevice> _devices = [];

    /// <summary>Devices that were turned away, by their uuids: another backend of this domain serves them.</summary>
    private readonly Dictionary<(uint Domain, uint Device), string?> _turnedAway = [];
    private readonly Dictionary<uint, TpmbackDevice> _ports = [];
    private readonly List<uint> _fired = [];
    private readonly LinkedList<TpmbackDevice> _ready = [];
    private readonly byte[] _request = new byte[TpmMessage.MaxLength];
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];
    private volatile bool _stopping;
    private bool _watching;

    public Tpmback(IXenHost host, TpmbackHandler handler, TpmbackOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(handler);
        _host = host;
        _handler = handler;
        _options = options ?? new TpmbackOptions();
    }

    /// <summary>Serves until <see cref="Stop"/>.</summary>
    /// <exception cref="XenException">Xenstore is not to be reached any more.</exception>
    public void Run()
    {
        while (!_stopping) Turn(Timeout.InfiniteTimeSpan);
    }

    /// <summary>One turn: waits for something to happen, follows it, and serves one request of each frontend that has one.</summary>
    public void Turn(TimeSpan timeout)
    {
        if (!_watching)
        {
            _watching = true;
            _host.Store.Watch(Root, RootToken);   // fires at once: what was announced before we came is found
        }

        bool idle = !FollowWatches() && _ready.Count == 0;
        _fired.Clear();
        _host.Wait(idle ? timeout : TimeSpan.Zero, _fired);
        foreach (uint port in _fired)
            if (_ports.TryGetValue(port, out TpmbackDevice? device)) MarkReady(device);
        FollowWatches();
        Serve();
    }

    /// <summary>Ends <see cref="Run"/> after the command it is in; from any thread.</summary>
    public void Stop()
    {
        _stopping = true;
        _host.Interrupt();
    }

    /// <summary>
    /// Lets go of all devices and leaves them in xenstore as they are, for the backend that comes next: a driver that is told of a closed device
    /// gives it up, and a guest's TPM would be gone until the toolstack attaches it again. The host is the caller's.
    /// </summary>
    public void Dispose()
    {
        foreach (TpmbackDevice device in _devices.Values.ToArray()) Forget(device);
    }

    private bool FollowWatches()
    {
        bool any = false;
        while (_host.Store.TryTakeWatch(out XenStoreEvent fired))
        {
            any = true;
            if (fired.Token == RootToken) FollowRoot(fired.Path);
            else if (_devices.Values.FirstOrDefault(device => device.WatchToken == fired.Token) is { } device) Follow(device);
        }

        return any;
    }

    private void FollowRoot(string path)
    {
        // backend/vtpm/DOMAIN/DEVICE/... ; something further up is all of it.
        string[] parts = path.Split('/');
        if (parts.Length >= 4 && TryKey(parts[2], parts[3], out var key)) FollowDevice(key);
        else
        {
            foreach (string domain in _host.Store.List(Root))
                foreach (string device in _host.Store.List($"{Root}/{domain}"))
                    if (TryKey(domain, device, out var found)) FollowDevice(found);
            foreach (var known in _devices.Keys.ToArray()) FollowDevice(known);
        }
    }

    private void FollowDevice((uint Domain, uint Device) key)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"{Root}/{key.Domain}/{key.Device}");
        if (_devices.TryGetValue(key, out TpmbackDevice? device))
        {
            if (_host.Store.Read($"{path}/frontend") is not null)
            {
                Follow(device);
                return;
            }

            Forget(device);   // The toolstack has removed it.
            return;
        }

        string? uuid = _host.Store.Read($"{path}/uuid");
        if (_turnedAway.TryGetValue(key, out string? before))
        {
            if (uuid == before && uuid is not null) return;
            _turnedAway.Remove(key);
        }

        // One that has been closed stays until it is removed. In any other state but the first, a backend that has gone has left it.
        if (_host.Store.Read($"{path}/state") is not ("1" or "2" or "4" or "5")) return;
        if (_devices.Count >= _options.MaxClients)
        {
            Log($"{path}: {_devices.Count} devices are served, the limit; it is left alone");
            return;
        }

        Guard(key, () => Open(path, key));
    }

    private void Open(string path, (uint Domain, uint Device) key)
    {
        if (TpmbackDevice.Find(_host, path, key.Domain, key.Device, Log) is not { } device) return;
        if (_options.ClientOpened?.Invoke(device.Client) == false)
        {
            Log($"frontend {device.Client} (vTPM {device.Client.Uuid}) is turned away");
            _turnedAway[key] = _host.Store.Read($"{path}/uuid");
            return;
        }

        _devices.Add(key, device);
        Log($"VTPM attached to Frontend {device.Client}");
        device.Announce();
    }

    private void Follow(TpmbackDevice device) => Guard((device.Client.Domain, device.Client.Device), () =>
    {
        uint before = device.Port;
        bool look = device.Follow();
        if (before != 0 && before != device.Port) _ports.Remove(before);
        if (device.Port != 0) _ports[device.Port] = device;
        if (device.Port == 0) _ready.Remove(device);
        if (look) MarkReady(device);
        if (device.IsClosed) Forget(device);
    });

    private void MarkReady(TpmbackDevice device)
    {
        if (!_ready.Contains(device)) _ready.AddLast(device);
    }

    // One request of each that has fired, in the order in which they did.
    private void Serve()
    {
        for (int left = _ready.Count; left > 0 && !_stopping; left--)
        {
            TpmbackDevice device = _ready.First!.Value;
            _ready.RemoveFirst();
            // Its next request fires again: it cannot put one there before it has this one's answer.
            Guard((device.Client.Domain, device.Client.Device), () => device.Serve(Execute, _request, _response));
        }
    }

    private int Execute(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        try
        {
            int length = _handler(client, locality, request, response);
            if (length >= TpmMessage.HeaderLength && length <= response.Length && TpmMessage.IsWhole(response[..length])) return length;
            Log($"frontend {client}: the handler's response is not a message ({length} bytes); answered TPM_FAIL");
        }
        catch (Exception e)
        {
            // A defect of ours costs one command.
            Log($"frontend {client}: answered TPM_FAIL: {e}");
        }

        response.Clear();
        return TpmMessage.WriteFailure(request, TpmResult.Fail, response);
    }

    /// <summary>Ends the device alone whose frontend, or whose place in xenstore, is not what it should be.</summary>
    private void Guard((uint Domain, uint Device) key, Action action)
    {
        try
        {
            action();
        }
        catch (XenException e)
        {
            Log($"frontend {key.Domain}/{key.Device}: {e.Message}; closed");
            if (_devices.TryGetValue(key, out TpmbackDevice? device))
            {
                device.Close();
                Forget(device);
            }
        }
    }

    private void Forget(TpmbackDevice device)
    {
        if (!_devices.Remove((device.Client.Domain, device.Client.Device))) return;
        foreach (uint port in _ports.Where(entry => entry.Value == device).Select(entry => entry.Key).ToArray()) _ports.Remove(port);
        _ready.Remove(device);
        device.Dispose();
        Log($"VTPM detached from Frontend {device.Client}");
        _options.ClientClosed?.Invoke(device.Client);
    }

    private static bool TryKey(string domain, string device, out (uint Domain, uint Device) key)
    {
        key = default;
        return uint.TryParse(domain, NumberStyles.None, CultureInfo.InvariantCulture, out key.Domain)
            && uint.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out key.Device);
    }

    private void Log(string line)
    {
        try
        {
            _options.Log?.Invoke(line);
        }
        catch (Exception)
        {
            // A closed pipe behind the log is no reason to stop serving.
        }
    }
}
