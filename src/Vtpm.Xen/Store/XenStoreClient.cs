namespace Vtpm.Xen;

/// <summary>A connection to xenstored, by the kernel's /dev/xen/xenbus or by its socket: both speak the same protocol.</summary>
/// <remarks>
/// One request at a time. Watches that fire while a reply is awaited come in between, and are kept, each path once: an event says where to look, not
/// what is there. Beyond <see cref="MostEvents"/> of them, so that a domain that writes without end costs no memory without end, every watch fires as
/// it did when it was set: whoever reads them then looks at everything.
/// </remarks>
internal sealed class XenStoreClient(Stream stream) : IXenStore, IDisposable
{
    public const int MostEvents = 10_000;

    /// <summary>Others write so seldom at the same time that more tries than these are no contention but a fault.</summary>
    private const int MostTries = 100;

    private readonly Queue<XenStoreEvent> _events = [];
    private readonly HashSet<XenStoreEvent> _waiting = [];
    private readonly HashSet<XenStoreEvent> _watches = [];
    private uint _lastId;

    public string? Read(string path) => Read(path, transaction: 0);

    public IReadOnlyList<string> List(string path) =>
        TryAsk(XenStoreMessageType.Directory, 0, path + "\0", out XenStoreMessage reply) ? reply.Texts : [];

    public void Write(string path, string value) => Write(path, value, transaction: 0);

    public void Remove(string path) => TryAsk(XenStoreMessageType.Remove, 0, path + "\0", out _);

    public void Transact(Action<IXenStore> writes)
    {
        ArgumentNullException.ThrowIfNull(writes);
        for (int i = 0; i < MostTries; i++)
        {
            uint id = uint.Parse(Ask(XenStoreMessageType.TransactionStart, 0, "\0").Text, System.Globalization.CultureInfo.InvariantCulture);
            try
            {
                writes(new Transaction(this, id));
            }
            catch
            {
                Ask(XenStoreMessageType.TransactionEnd, id, "F\0");
                throw;
            }

            try
            {
                Ask(XenStoreMessageType.TransactionEnd, id, "T\0");
                return;
            }
            catch (XenException e) when (e.Error == "EAGAIN")
            {
                // Somebody else has written there: once more.
            }
        }

        throw new XenException("EAGAIN", $"xenstore: {MostTries} tries, and others wrote in between each time");
    }

    public void Watch(string path, string token)
    {
        Ask(XenStoreMessageType.Watch, 0, $"{path}\0{token}\0");
        _watches.Add(new XenStoreEvent(path, token));
    }

    public void Unwatch(string path, string token)
    {
        _watches.Remove(new XenStoreEvent(path, token));
        TryAsk(XenStoreMessageType.Unwatch, 0, $"{path}\0{token}\0", out _);
    }

    public bool TryTakeWatch(out XenStoreEvent fired)
    {
        if (!_events.TryDequeue(out fired)) return false;
        _waiting.Remove(fired);
        return true;
    }

    /// <summary>Takes one message that is there, which without a request can only be a watch.</summary>
    public void Pump() => Keep(XenStoreMessage.ReadFrom(stream));

    public void Dispose() => stream.Dispose();

    private string? Read(string path, uint transaction) =>
        TryAsk(XenStoreMessageType.Read, transaction, path + "\0", out XenStoreMessage reply) ? reply.Text : null;

    private void Write(string path, string value, uint transaction) => Ask(XenStoreMessageType.Write, transaction, $"{path}\0{value}");

    // False when it is not there. A backend that is not in dom0 is told EACCES of a frontend's nodes that have gone.
    private bool TryAsk(XenStoreMessageType type, uint transaction, string payload, out XenStoreMessage reply)
    {
        try
        {
            reply = Ask(type, transaction, payload);
            return true;
        }
        catch (XenException e) when (e.Error is "ENOENT" or "EACCES")
        {
            reply = default;
            return false;
        }
    }

    private XenStoreMessage Ask(XenStoreMessageType type, uint transaction, string payload)
    {
        uint id = ++_lastId;
        try
        {
            // In one write: the kernel takes each for a whole message.
            stream.Write(XenStoreMessage.Of(type, transaction, payload).ToBytes(id));
            while (true)
            {
                XenStoreMessage reply = XenStoreMessage.ReadFrom(stream);
                if (reply.Type == XenStoreMessageType.WatchEvent) Keep(reply);
                else if (reply.RequestId != id) throw new XenException($"xenstore answers request {reply.RequestId}, and {id} was asked");
                else if (reply.Type == XenStoreMessageType.Error) throw Refused(type, payload, reply.Text);
                else return reply;
            }
        }
        catch (Exception e) when (e is IOException and not XenException or ObjectDisposedException)
        {
            throw new XenException($"xenstore cannot be reached: {e.Message}", e);
        }
    }

    private void Keep(in XenStoreMessage message)
    {
        if (message.Type != XenStoreMessageType.WatchEvent || message.Texts is not [var path, var token, ..]) return;
        var fired = new XenStoreEvent(path, token);
        if (_events.Count < MostEvents)
        {
            if (_waiting.Add(fired)) _events.Enqueue(fired);
            return;
        }

        _events.Clear();
        _waiting.Clear();
        foreach (XenStoreEvent watch in _watches.Append(fired))
            if (_waiting.Add(watch)) _events.Enqueue(watch);
    }

    private static XenException Refused(XenStoreMessageType type, string payload, string error) =>
        new(error, $"xenstore refuses to {type} {payload.Split('\0')[0]}: {error}");

    private sealed class Transaction(XenStoreClient client, uint id) : IXenStore
    {
        public string? Read(string path) => client.Read(path, id);

        public IReadOnlyList<string> List(string path) =>
            client.TryAsk(XenStoreMessageType.Directory, id, path + "\0", out XenStoreMessage reply) ? reply.Texts : [];

        public void Write(string path, string value) => client.Write(path, value, id);

        public void Remove(string path) => client.TryAsk(XenStoreMessageType.Remove, id, path + "\0", out _);

        public void Transact(Action<IXenStore> writes) => throw new InvalidOperationException("a transaction within a transaction");

        public void Watch(string path, string token) => throw new InvalidOperationException("watches belong to no transaction");

        public void Unwatch(string path, string token) => throw new InvalidOperationException("watches belong to no transaction");

        public bool TryTakeWatch(out XenStoreEvent fired) => client.TryTakeWatch(out fired);
    }
}
