using System.Runtime.InteropServices;
using Vtpm.Transports;

namespace Vtpm.Xen;

/// <summary>
/// <c>tpmback</c>: the backend of the vTPM devices that the toolstack gives this domain, for any number of frontends, in turn. One thread.
/// </summary>
/// <remarks>
/// A frontend can do harm to nobody but itself: what goes wrong with one is logged and ends its connection alone. Each turn serves one request of
/// each frontend that has one. A handler that answers later (<see cref="TpmServer.Deferred"/>) has one request of each frontend at a time; a frontend
/// that is closed, detached or dead meanwhile is not told, and the next connection of its device is served when the old request has been completed.
/// </remarks>
public sealed partial class Tpmback : IDisposable
{
    private readonly IXenHost _host;
    private readonly Func<Caller, ReadOnlySpan<byte>, Span<byte>, int> _handler;
    private readonly TpmbackOptions _options;
    private readonly List<uint> _fired = [];
    private readonly Queue<TpmbackDevice> _ready = [];
    private readonly RequestBuffers _buffers = new();
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];
    private TpmbackDevice? _served;
    private volatile bool _stopping;
    private volatile Action? _begin;
    private bool _isHeld;
    private bool _watching;

    public Tpmback(IXenHost host, TpmbackHandler handler, TpmbackOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(handler);
        _host = host;
        _handler = (caller, request, response) => handler(caller.Client, caller.Locality, request, response);
        _options = options ?? new TpmbackOptions();
        _isHeld = _options.IsHeld;
        _time = _options.Time;
        _start = _time.GetTimestamp();
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

        // One that stops, or is held, serves nobody: what is ready is no work then.
        bool idle = !FollowWatches() && (_ready.Count == 0 || _stopping || _isHeld);
        _fired.Clear();
        _host.Wait(idle ? Patience(timeout) : TimeSpan.Zero, _fired);
        foreach (uint port in _fired)
            if (_ports.TryGetValue(port, out TpmbackDevice? device)) MarkReady(device);
        FollowWatches();
        DoWhatIsDue();
        TakeBegin();
        Serve();
        Call(_options.TurnEnded, "at the end of a turn");
    }

    /// <summary>
    /// Answers a request for which the handler has returned <see cref="TpmServer.Deferred"/>; on the backend's thread, and from the handler for other
    /// clients than the one that it is called for.
    /// </summary>
    /// <returns>Whether a frontend gets it: false, and no more than that, when the one that asked has gone or nothing is deferred.</returns>
    /// <exception cref="ArgumentException">What is to be the response is not one message.</exception>
    public bool Complete(TpmbackClient client, ReadOnlySpan<byte> response)
    {
        ArgumentNullException.ThrowIfNull(client);
        if (!TpmMessage.IsWhole(response) || response.Length > TpmMessage.MaxLength) throw new ArgumentException("not one message", nameof(response));
        if (_served?.Client == client) throw new InvalidOperationException("the handler is still called for this client: it is to return its answer");
        if (!_devices.TryGetValue((client.Domain, client.Device), out TpmbackDevice? device) || device.Client != client) return false;
        if (device.Executing is not { } buffer) return false;
        bool answered = false;
        try
        {
            answered = device.Answer(response);
        }
        catch (XenException e)
        {
            Drop(device, e);
        }

        Release(device, buffer);
        if (device.LookAgain) MarkReady(device);
        else device.Rearm();
        return answered;
    }

    /// <summary>What answers is there: a backend that is held (<see cref="TpmbackOptions.IsHeld"/>) begins to serve; from any thread.</summary>
    /// <param name="first">Called on the backend's thread before the first request. What it throws comes out of <see cref="Turn"/>, and nothing is served.</param>
    public void Begin(Action first)
    {
        ArgumentNullException.ThrowIfNull(first);
        _begin = first;
        _host.Interrupt();
    }

    /// <summary>
    /// Tells the toolstack and the frontend of a device that waits for it (<see cref="TpmbackOptions.AnnounceLater"/>), and serves it from now on; on the
    /// backend's thread. Nothing for one that is gone, or served already.
    /// </summary>
    public void Announce(TpmbackClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        if (!_devices.TryGetValue((client.Domain, client.Device), out TpmbackDevice? device) || device.Client != client || device.IsAnnounced) return;
        Announce(device);
        // What the frontend has done before is found by the watch, which fires at once.
    }

    /// <summary>
    /// Has the backend wait for a descriptor too, and call <paramref name="ready"/> on its thread, before it serves what came meanwhile.
    /// </summary>
    /// <param name="handle">To be disregarded before it is closed.</param>
    /// <param name="ready">Called as long as there is something to read, or the other end has gone. If it throws, it is not called any more.</param>
    public void Attend(SafeHandle handle, Action ready)
    {
        ArgumentNullException.ThrowIfNull(ready);
        _host.Attend(handle, () =>
        {
            if (!Call(ready, "at a descriptor that is readable")) _host.Disregard(handle);
        });
    }

    /// <summary>Ends <see cref="Attend"/>.</summary>
    public void Disregard(SafeHandle handle) => _host.Disregard(handle);

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

    private void TakeBegin()
    {
        if (!_isHeld || _begin is not { } first) return;
        first();
        _isHeld = false;
    }

    private void MarkReady(TpmbackDevice device)
    {
        if (device.IsReady) return;
        device.IsReady = true;
        _ready.Enqueue(device);
    }

    // One request of each that has fired, in the order in which they did.
    private void Serve()
    {
        if (_isHeld) return;
        for (int left = _ready.Count; left > 0 && !_stopping; left--)
        {
            TpmbackDevice device = _ready.Dequeue();
            device.IsReady = false;
            try
            {
                // The port stays silent while its request is executed: a frontend that notifies without end gains nothing by it.
                if (device.Executing is not null) device.LookAgain = true;
                else Serve(device);
            }
            catch (XenException e)
            {
                Drop(device, e);
            }
        }
    }

    private void Serve(TpmbackDevice device)
    {
        device.LookAgain = false;
        byte[] buffer = _buffers.Rent();
        int length = device.Take(buffer, out int locality);
        if (length == 0)
        {
            _buffers.Return(buffer);
            RearmInTime(device);
            return;
        }

        device.Executing = buffer;
        device.Client.Request = buffer.AsMemory(0, length);
        _served = device;
        var caller = new Caller(device.Client, locality);
        int answered = HandlerGuard.Call(_handler, mayDefer: true, caller, buffer.AsSpan(0, length), _response, device.Log);
        _served = null;
        if (answered == TpmServer.Deferred) return;
        try
        {
            device.Answer(_response.AsSpan(0, answered));
        }
        finally
        {
            _response.AsSpan(0, answered).Clear();
            Release(device, buffer);
        }

        device.Rearm();
    }

    private void Release(TpmbackDevice device, byte[] buffer)
    {
        if (device.Executing != buffer) return;   // it was dropped, and with it its request
        device.Executing = null;
        device.Client.Request = default;
        _buffers.Return(buffer);
    }

    /// <returns>False when it has thrown.</returns>
    private bool Call(Action? action, string when)
    {
        try
        {
            action?.Invoke();
            return true;
        }
        catch (Exception e)
        {
            Log($"{when}: {e}");   // a defect of ours: the others are served on
            return false;
        }
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

    private readonly record struct Caller(TpmbackClient Client, int Locality)
    {
        public override string ToString() => $"frontend {Client}";
    }
}
