using System.Runtime.InteropServices;

namespace Vtpm.Xen.Tests;

/// <summary>
/// Xen as one process of a domain sees it, of which a domain may have several. Descriptors are waited for as on Linux, by the same code.
/// </summary>
internal sealed class ModelHost(XenModel model, uint domain) : IXenHost, IXenStore
{
    private readonly List<(string Path, string Token)> _watches = [];
    private readonly Queue<XenStoreEvent> _events = [];
    private readonly HashSet<uint> _pending = [];
    private readonly HashSet<uint> _silent = [];
    private readonly HashSet<uint> _bound = [];
    private readonly DescriptorPoll _poll = new();
    private bool _interrupted;
    private bool _ended;

    public IXenStore Store => this;

    /// <summary>What refuses from now on: a name of a member, and the error it gives.</summary>
    public Dictionary<string, XenException> Faults { get; } = [];

    /// <summary>Pages that are mapped at present.</summary>
    public int Mapped { get; private set; }

    /// <summary>How often something was read of xenstore.</summary>
    public int Reads { get; private set; }

    /// <summary>How often a wait has given a port.</summary>
    public int Fired { get; private set; }

    /// <summary>Ports that are bound at present.</summary>
    public int Bound => _bound.Count;

    public ISharedPage MapGrant(uint other, uint reference)
    {
        Refuse(nameof(MapGrant));
        lock (model.Gate)
        {
            if (!model.Grants.TryGetValue((other, reference), out ModelPage? page) || page.MayMap != Id)
                throw new XenException($"cannot map grant {reference} of domain {other}: bad grant");
            Mapped++;
            return new Mapping(page, () => Mapped--);
        }
    }

    public IGrantedPage GrantPage(uint other)
    {
        Refuse(nameof(GrantPage));
        lock (model.Gate)
        {
            var page = new ModelPage { Reference = ++model.LastReference, MayMap = other };
            model.Grants[(Id, page.Reference)] = page;
            return page;
        }
    }

    public uint BindEventChannel(uint other, uint remotePort)
    {
        Refuse(nameof(BindEventChannel));
        lock (model.Gate)
        {
            if (!model.Ports.TryGetValue((other, remotePort), out ModelPort? remote) || remote.Peer is not null || remote.MayBind != Id)
                throw new XenException($"cannot bind to port {remotePort} of domain {other}: no such port");
            uint port = ++model.LastPort;
            model.Ports[(Id, port)] = new ModelPort { Owner = this, MayBind = other, Peer = (other, remotePort) };
            remote.Peer = (Id, port);
            _pending.Add(port);   // as Xen does
            _bound.Add(port);
            return port;
        }
    }

    public uint OfferEventChannel(uint other)
    {
        lock (model.Gate)
        {
            uint port = ++model.LastPort;
            model.Ports[(Id, port)] = new ModelPort { Owner = this, MayBind = other };
            return port;
        }
    }

    public void UnbindEventChannel(uint port)
    {
        lock (model.Gate)
        {
            if (!model.Ports.Remove((Id, port), out ModelPort? gone)) throw new XenException($"cannot unbind port {port}");
            if (gone.Peer is { } peer && model.Ports.TryGetValue(peer, out ModelPort? other)) other.Peer = null;
            _pending.Remove(port);
            _silent.Remove(port);
            _bound.Remove(port);
        }
    }

    public void Notify(uint port)
    {
        Refuse(nameof(Notify));
        lock (model.Gate)
        {
            if (!model.Ports.TryGetValue((Id, port), out ModelPort? own)) throw new XenException($"cannot notify port {port}");
            if (own.Peer is not { } peer || !model.Ports.TryGetValue(peer, out ModelPort? remote)) return;
            remote.Owner._pending.Add(peer.Port);
            remote.Owner.Wake();
        }
    }

    public string? LabelOfPeer(uint port)
    {
        lock (model.Gate) return model.Ports[(Id, port)].Peer is { } peer ? model.Labels.GetValueOrDefault(peer.Domain) : null;
    }

    public DomainInfo? Describe(uint other)
    {
        lock (model.Gate) return Id == 0 ? model.Domains.GetValueOrDefault(other) : null;
    }

    public uint Id { get; } = domain;

    public void Wait(TimeSpan timeout, ICollection<uint> ports)
    {
        bool idle;
        lock (model.Gate) idle = !_pending.Except(_silent).Any() && _events.Count == 0 && !_interrupted;
        _poll.Wait(idle ? timeout : TimeSpan.Zero);
        lock (model.Gate)
        {
            _interrupted = false;
            foreach (uint port in _pending.Except(_silent).Order())
            {
                ports.Add(port);
                Fired++;
            }

            _pending.ExceptWith(ports);
            _silent.UnionWith(ports);
        }
    }

    public void Rearm(uint port)
    {
        lock (model.Gate) _silent.Remove(port);
    }

    public void Attend(SafeHandle handle, Action ready) => _poll.Attend(handle, ready);

    public void Disregard(SafeHandle handle) => _poll.Disregard(handle);

    public void Interrupt()
    {
        lock (model.Gate)
        {
            _interrupted = true;
            Wake();
        }
    }

    /// <summary>Ends a wait: something has happened. The caller holds the gate.</summary>
    public void Wake()
    {
        if (!_ended) _poll.Interrupt();
    }

    /// <summary>The process ends, by its own will or not: its ports are closed, and what they were bound to may be bound again.</summary>
    public void Dispose()
    {
        lock (model.Gate)
        {
            model.Hosts.Remove(this);
            if (_ended) return;
            _ended = true;
            _watches.Clear();
            _poll.Dispose();
            foreach (uint port in _bound.ToArray()) UnbindEventChannel(port);
        }
    }

    public string? Read(string path)
    {
        Refuse(nameof(Read));
        Reads++;
        return model.Read(Absolute(path));
    }

    public IReadOnlyList<string> List(string path)
    {
        string prefix = Absolute(path) + "/";
        lock (model.Gate)
            return [.. model.Nodes.Keys.Where(node => node.StartsWith(prefix, StringComparison.Ordinal)).Select(node => node[prefix.Length..].Split('/')[0]).Distinct()];
    }

    public void Write(string path, string value)
    {
        Refuse(nameof(Write));
        model.Write(Absolute(path), value);
    }

    public void Remove(string path) => model.Remove(Absolute(path));

    public void Transact(Action<IXenStore> writes)
    {
        lock (model.Gate) writes(this);
    }

    public void Watch(string path, string token)
    {
        lock (model.Gate)
        {
            _watches.Add((path, token));
            _events.Enqueue(new XenStoreEvent(path, token));
        }
    }

    public void Unwatch(string path, string token)
    {
        lock (model.Gate) _watches.Remove((path, token));
    }

    public bool TryTakeWatch(out XenStoreEvent fired)
    {
        lock (model.Gate) return _events.TryDequeue(out fired);
    }

    public void Changed(string path)
    {
        foreach ((string watched, string token) in _watches)
        {
            string absolute = Absolute(watched);
            if (path == absolute || path.StartsWith(absolute + "/", StringComparison.Ordinal))
                _events.Enqueue(new XenStoreEvent(watched + path[absolute.Length..], token));
            else if (absolute.StartsWith(path + "/", StringComparison.Ordinal))
                _events.Enqueue(new XenStoreEvent(watched, token));   // removed from further up
        }
    }

    private string Absolute(string path) => path.StartsWith('/') ? path : $"/local/domain/{Id}/{path}";

    private void Refuse(string member)
    {
        if (Faults.TryGetValue(member, out XenException? fault)) throw fault;
    }

    private sealed class Mapping(ModelPage page, Action unmapped) : ISharedPage
    {
        private bool _ended;

        public byte ReadByte(int offset) => Live().ReadByte(offset);

        public uint ReadUInt32(int offset) => Live().ReadUInt32(offset);

        public void WriteByte(int offset, byte value) => Live().WriteByte(offset, value);

        public void WriteUInt32(int offset, uint value) => Live().WriteUInt32(offset, value);

        public void CopyTo(int offset, Span<byte> destination) => Live().CopyTo(offset, destination);

        public void CopyFrom(int offset, ReadOnlySpan<byte> source) => Live().CopyFrom(offset, source);

        public void Dispose()
        {
            if (_ended) return;
            _ended = true;
            unmapped();
        }

        private ModelPage Live() => _ended ? throw new ObjectDisposedException("a page that is mapped no more") : page;
    }
}
