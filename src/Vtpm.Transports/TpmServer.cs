using System.Globalization;
using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>Serves the clients of any number of sockets on one thread, one command at a time, in turn.</summary>
/// <remarks>
/// Each turn of the loop asks the system once which sockets have something, and serves one command of each client that has one. A client
/// therefore waits at most for two commands of every other, however many those have sent ahead. No client is ever waited for: all sockets are
/// non-blocking. docs/adr/0004-serving-clients.md says why one thread.
/// </remarks>
public sealed class TpmServer : IDisposable
{
    /// <summary>After accepting has failed (descriptors used up), for this long only the clients already here are served.</summary>
    private const int AcceptPauseMilliseconds = 1000;

    private readonly TpmServerOptions _options;
    private readonly RequestDispatcher _dispatcher;
    private readonly List<TpmListener> _listeners = [];
    private readonly List<ServedClient> _clients = [];
    private readonly ReceiveBuffers _buffers = new();
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];
    // The sockets to ask about, and then those of them that are ready, in the order they were added.
    private readonly List<Socket> _readable = [];
    private readonly List<Socket> _writable = [];
    private int _nextReadable;
    private int _nextWritable;
    // Never bound nor connected: shutting it down makes it readable, which ends a wait from any thread without a byte being sent.
    private readonly Socket _stopSignal = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly Lock _lifeGate = new();
    private volatile bool _stopping;
    private bool _running;
    private bool _closed;
    private bool _full;
    private long _acceptAgain;

    public TpmServer(TpmRequestHandler handler, TpmServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _options = options ?? new TpmServerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxClients, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxRequestLength, TpmMessage.HeaderLength, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.MaxRequestLength, TpmMessage.MaxLength, nameof(options));
        _dispatcher = new RequestDispatcher(handler, _options);
    }

    /// <summary>Binds one more address; before <see cref="Run"/>. Clients can connect from now on and are answered once the server runs.</summary>
    /// <exception cref="TpmTransportException">Another server listens there, or it is not permitted; the message says what to do.</exception>
    public TpmListener Listen(TpmAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Add(() => TpmListener.Open(address, _options.UnixMode));
    }

    /// <summary>
    /// Takes the sockets that systemd's socket activation hands over (LISTEN_PID, LISTEN_FDS); none when it did not start this process.
    /// </summary>
    public IReadOnlyList<TpmListener> ListenInherited()
    {
        const int firstDescriptor = 3;
        if (!int.TryParse(Environment.GetEnvironmentVariable("LISTEN_PID"), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) return [];
        if (pid != Environment.ProcessId) return [];
        if (!int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out int count))
            return [];
        return [.. Enumerable.Range(firstDescriptor, count).Select(ListenInherited)];
    }

    /// <summary>Takes the listening socket that is open as <paramref name="descriptor"/>.</summary>
    public TpmListener ListenInherited(int descriptor) => Add(() => TpmListener.Inherit(descriptor));

    /// <summary>Serves until <see cref="Stop"/>; then every connection and socket is closed, with the command that ran answered.</summary>
    public void Run()
    {
        lock (_lifeGate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_running) throw new InvalidOperationException("the server runs already");
            _running = true;
        }

        try
        {
            while (!_stopping)
            {
                WaitForWork();
                if (_stopping) break;
                AcceptClients();
                ServeClients();
            }
        }
        finally
        {
            lock (_lifeGate)
            {
                _running = false;
                Close();
            }
        }
    }

    /// <summary>Ends <see cref="Run"/> after the command it is in. Returns at once; from any thread, and from the handler.</summary>
    public void Stop()
    {
        lock (_lifeGate)
        {
            if (_stopping || _closed) return;
            _stopping = true;
            _stopSignal.Shutdown(SocketShutdown.Receive);
        }
    }

    /// <summary>Stops; a server that never ran closes its sockets here, one that runs does so at the end of <see cref="Run"/>.</summary>
    public void Dispose()
    {
        Stop();
        lock (_lifeGate)
        {
            if (!_running) Close();
        }
    }

    private TpmListener Add(Func<TpmListener> open)
    {
        lock (_lifeGate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (_running) throw new InvalidOperationException("a server that runs takes no more addresses");
            var listener = open();
            _listeners.Add(listener);
            return listener;
        }
    }

    private void WaitForWork()
    {
        _readable.Clear();
        _writable.Clear();
        _nextReadable = _nextWritable = 0;
        _readable.Add(_stopSignal);
        long wake = AskListeners();
        foreach (var client in _clients)
        {
            if (client.IsStalled) _writable.Add(client.Socket);
            else if (client.Peek(_options.MaxRequestLength, out _) == RequestState.Incomplete) _readable.Add(client.Socket);
            else wake = 0;
            if (client.Deadline != 0) wake = Math.Min(wake, client.Deadline);
        }

        var patience = wake == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, wake - Environment.TickCount64));
        Socket.Select(_readable, _writable.Count > 0 ? _writable : null, null, patience);
    }

    /// <returns>When to look again at the latest.</returns>
    private long AskListeners()
    {
        if (_clients.Count >= _options.MaxClients)
        {
            if (!_full) _dispatcher.Log($"{_clients.Count} clients are connected, the limit: more of them wait until one leaves");
            _full = true;
            return long.MaxValue;
        }

        _full = false;
        if (_acceptAgain > Environment.TickCount64) return _acceptAgain;
        _acceptAgain = 0;
        foreach (var listener in _listeners) _readable.Add(listener.Socket);
        return long.MaxValue;
    }

    /// <summary>Accepts one client from each socket that has one: a crowd of newcomers must not delay the clients that are here.</summary>
    private void AcceptClients()
    {
        foreach (var listener in _listeners)
        {
            if (!IsReady(_readable, ref _nextReadable, listener.Socket) || _clients.Count >= _options.MaxClients) continue;
            try
            {
                Accept(listener);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock
                or SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                // It changed its mind.
            }
            catch (SocketException e)
            {
                // What cannot be accepted stays in the backlog, readable: without a pause this would be a busy loop.
                _dispatcher.Log($"{listener.Address}: cannot accept a client: {e.SocketErrorCode}; trying again in {AcceptPauseMilliseconds} ms");
                _acceptAgain = Environment.TickCount64 + AcceptPauseMilliseconds;
            }
        }
    }

    private void Accept(TpmListener listener)
    {
        var socket = listener.Socket.Accept();
        ServedClient client;
        try
        {
            socket.Blocking = false;
            bool unix = listener.Address.Kind == TpmAddressKind.Unix;
            if (!unix)
            {
                socket.NoDelay = true;
                // A machine that vanished without a word would keep its place for ever.
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            }

            PeerCredentials? credentials = unix ? PeerCredentials.Of(socket) : null;
            client = new ServedClient(socket,
                new ClientInfo(_dispatcher.NextId(), listener.Address, credentials, unix ? null : socket.RemoteEndPoint?.ToString()));
        }
        catch (SocketException)
        {
            socket.Dispose();
            return;
        }

        if (_dispatcher.Opened(client.Info)) _clients.Add(client);
        else client.Close(_buffers);
    }

    private void ServeClients()
    {
        // A command may run for minutes: lateness is judged by what was known when the wait ended.
        long now = Environment.TickCount64;
        int left = 0;
        for (int i = 0; i < _clients.Count; i++)
        {
            var client = _clients[i];
            if (!_stopping && !Serve(client, now)) Remove(client);
            else _clients[left++] = client;
        }

        _clients.RemoveRange(left, _clients.Count - left);
    }

    /// <summary>Serves one command of <paramref name="client"/>, if it has one.</summary>
    /// <returns>False when its connection is to be closed.</returns>
    private bool Serve(ServedClient client, long now)
    {
        if (client.IsStalled) return ServeStalled(client, now);
        var state = client.Peek(_options.MaxRequestLength, out int length);
        if (state == RequestState.Incomplete)
        {
            if (IsReady(_readable, ref _nextReadable, client.Socket) && !client.Receive(_buffers)) return false;
            state = client.Peek(_options.MaxRequestLength, out length);
        }

        switch (state)
        {
            case RequestState.Incomplete when !client.HoldsBytes:
                return true;
            case RequestState.Incomplete:
                client.AwaitUntil(Environment.TickCount64 + (long)_options.RequestTimeout.TotalMilliseconds);
                return client.Deadline > now
                    || Refuse(client, $"the rest of its request did not follow within {_options.RequestTimeout.TotalSeconds:0.###} s");
            case RequestState.Insane:
                return Refuse(client, $"a request of {(uint)length} bytes is not a TPM command");
            default:
                return Answer(client, length);
        }
    }

    private bool Answer(ServedClient client, int length)
    {
        int answered = _dispatcher.Execute(client.Info, client.Held(length), _response);
        client.Consume(length, _buffers);
        var response = _response.AsSpan(0, answered);
        bool open = client.Send(response, Environment.TickCount64 + (long)_options.SendTimeout.TotalMilliseconds);
        response.Clear();
        return open;
    }

    private bool ServeStalled(ServedClient client, long now)
    {
        // A client that has left counts as writable too, and fails the flush.
        if (IsReady(_writable, ref _nextWritable, client.Socket) && !client.Flush()) return false;
        return !client.IsStalled || client.Deadline > now
            || Refuse(client, $"it did not take its response within {_options.SendTimeout.TotalSeconds:0.###} s");
    }

    private bool Refuse(ServedClient client, string why)
    {
        _dispatcher.Log($"{client.Info}: {why}; connection closed");
        return false;
    }

    private void Remove(ServedClient client)
    {
        client.Close(_buffers);
        _acceptAgain = 0;
        _dispatcher.Closed(client.Info);
    }

    private void Close()
    {
        if (_closed) return;
        _closed = true;
        foreach (var listener in _listeners) listener.Dispose();
        foreach (var client in _clients) Remove(client);
        _clients.Clear();
        _stopSignal.Dispose();
    }

    /// <summary>Whether a socket is among the ready ones; asked in the order of the list, each is found where the last one was left.</summary>
    private static bool IsReady(List<Socket> ready, ref int next, Socket socket)
    {
        int found = ready.IndexOf(socket, next);
        if (found < 0) return false;
        next = found + 1;
        return true;
    }
}
