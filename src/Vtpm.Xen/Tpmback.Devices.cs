using System.Globalization;

namespace Vtpm.Xen;

/// <content>Which devices there are: what the toolstack and the frontends write into xenstore.</content>
public sealed partial class Tpmback
{
    /// <summary>Relative to the own domain, so that dom0 and a driver domain have the same code.</summary>
    private const string Root = "backend/vtpm";

    private const string RootToken = "be";

    private readonly Dictionary<(uint Domain, uint Device), TpmbackDevice> _devices = [];

    /// <summary>By the local ports of those that are connected.</summary>
    private readonly Dictionary<uint, TpmbackDevice> _ports = [];

    /// <summary>By the tokens of their watches.</summary>
    private readonly Dictionary<string, TpmbackDevice> _watches = [];

    /// <summary>Devices that were turned away, by their uuids: another backend of this domain serves them.</summary>
    private readonly Dictionary<(uint Domain, uint Device), string?> _turnedAway = [];

    /// <summary>The uuids of those that are to be asked about again.</summary>
    private readonly HashSet<Guid> _reconsidered = [];

    /// <summary>
    /// Asks again about devices that were turned away (<see cref="TpmbackOptions.ClientOpened"/>) with this uuid: what stood in their way has gone. On the
    /// backend's thread, and with the next turn.
    /// </summary>
    public void Reconsider(Guid uuid) => _reconsidered.Add(uuid);

    private void FollowReconsidered()
    {
        if (_reconsidered.Count == 0) return;
        foreach (((uint, uint) key, string? uuid) in _turnedAway.ToArray())
        {
            if (!Guid.TryParse(uuid, out Guid parsed) || !_reconsidered.Contains(parsed)) continue;
            _turnedAway.Remove(key);
            FollowDevice(key);
        }

        _reconsidered.Clear();
    }

    private bool FollowWatches()
    {
        FollowReconsidered();
        bool any = false;
        while (_host.Store.TryTakeWatch(out XenStoreEvent fired))
        {
            any = true;
            if (fired.Token == RootToken) FollowRoot(fired.Path);
            else if (_watches.TryGetValue(fired.Token, out TpmbackDevice? device)) FollowInTime(device);
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
            if (_host.Store.Read($"{path}/frontend") is not null) FollowInTime(device);
            else Forget(device);   // The toolstack has removed it.
            return;
        }

        string? uuid = _host.Store.Read($"{path}/uuid");
        if (_turnedAway.TryGetValue(key, out string? before))
        {
            if (uuid == before && uuid is not null) return;
            _turnedAway.Remove(key);
        }

        string? state = _host.Store.Read($"{path}/state");
        if (state == "6") RemoveClosed(path, key.Domain);
        // One that has been closed stays until it is removed. In any other state but the first, a backend that has gone has left it.
        if (state is not ("1" or "2" or "4" or "5")) return;
        if (_devices.Count >= _options.MaxClients)
        {
            Log($"{path}: {_devices.Count} devices are served, the limit; it is left alone");
            return;
        }

        try
        {
            Open(path, key);
        }
        catch (XenException e)
        {
            Log($"{path}: {e.Message}; left alone");
        }
    }

    /// <summary>
    /// The toolstack removes what dom0's backend has closed. Of one in a driver domain it waits until that has removed it itself, and takes it for
    /// dead after ten seconds.
    /// </summary>
    private void RemoveClosed(string path, uint frontend)
    {
        if (_host.Store.Read("domid") is null or "0" || _host.Store.Read($"{path}/online") is "1") return;
        _host.Store.Remove(path);
        string domain = string.Create(CultureInfo.InvariantCulture, $"{Root}/{frontend}");
        if (_host.Store.List(domain).Count == 0) _host.Store.Remove(domain);
    }

    private void Open(string path, (uint Domain, uint Device) key)
    {
        if (TpmbackDevice.Find(_host, path, key.Domain, key.Device, Log, Now) is not { } device) return;
        bool accepted = true;
        if (!Call(() => accepted = _options.ClientOpened?.Invoke(device.Client) != false, $"frontend {device.Client}: while it came") || !accepted)
        {
            Log($"frontend {device.Client} (vTPM {device.Client.Uuid}) is turned away");
            _turnedAway[key] = _host.Store.Read($"{path}/uuid");
            return;
        }

        _devices.Add(key, device);
        _watches[device.WatchToken] = device;
        Log($"VTPM attached to Frontend {device.Client}");
        if (!_options.AnnounceLater) Announce(device);
    }

    private void Announce(TpmbackDevice device)
    {
        try
        {
            device.Announce();
        }
        catch (XenException e)
        {
            Drop(device, e);
        }
    }

    private void Follow(TpmbackDevice device)
    {
        try
        {
            uint before = device.Port;
            bool look = device.Follow();
            if (before != device.Port)
            {
                if (before != 0) _ports.Remove(before);
                if (device.Port != 0) _ports[device.Port] = device;
            }

            if (look) MarkReady(device);
            if (device.IsClosed) Forget(device);
        }
        catch (XenException e)
        {
            Drop(device, e);
        }
    }

    /// <summary>Ends the device alone whose frontend, or whose place in xenstore, is not what it should be.</summary>
    private void Drop(TpmbackDevice device, XenException reason)
    {
        device.Log($"frontend {device.Client}: {reason.Message}; closed");
        if (device.Port != 0) _ports.Remove(device.Port);
        try
        {
            device.Close();
        }
        catch (XenException e)
        {
            device.Log($"frontend {device.Client}: {e.Message}");
        }

        Forget(device);
    }

    private void Forget(TpmbackDevice device)
    {
        if (!_devices.Remove((device.Client.Domain, device.Client.Device))) return;
        _watches.Remove(device.WatchToken);
        if (device.Port != 0) _ports.Remove(device.Port);
        device.Dispose();
        Log($"VTPM detached from Frontend {device.Client}");
        Call(() => _options.ClientClosed?.Invoke(device.Client), $"frontend {device.Client}: while it left");
        if (device.Executing is { } buffer) Release(device, buffer);
    }

    private static bool TryKey(string domain, string device, out (uint Domain, uint Device) key)
    {
        key = default;
        return uint.TryParse(domain, NumberStyles.None, CultureInfo.InvariantCulture, out key.Domain)
            && uint.TryParse(device, NumberStyles.None, CultureInfo.InvariantCulture, out key.Device);
    }
}
