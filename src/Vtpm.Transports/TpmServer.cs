using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>Serves the clients of any number of sockets on one thread, one command at a time, in turn.</summary>
/// <remarks>
/// Each turn of the loop asks the system once which sockets have something, and serves one command of each client that has one. A client
/// therefore waits at most for two commands of every other, however many those have sent ahead. No client is ever waited for: all sockets are
/// non-blocking, and what has to be found out about one first is found out elsewhere (<see cref="ClientInfo.Preparation"/>). docs/adr/0004-serving-clients.md says why one thread.
/// </remarks>
public sealed partial class TpmServer : IDisposable
{
    /// <summary>What a handler returns instead of a length when <see cref="TpmServerOptions.AnswerDeferred"/> is to answer.</summary>
    public const int Deferred = -1;

    private readonly TpmServerOptions _options;
    private readonly RequestDispatcher _dispatcher;
    private readonly List<ServedClient> _clients = [];
    private readonly ReceiveBuffers _buffers = new();
    private readonly byte[] _response = new byte[TpmMessage.MaxLength];
    // Of this turn, with the lengths of their requests, which they hold until they are answered.
    private readonly List<(ServedClient Client, int Length)> _deferred = [];
    private byte[]? _deferredResponse;
    private bool _answering;
    // The sockets to ask about, and then those of them that are ready, in the order they were added.
    private readonly List<Socket> _readable = [];
    private readonly List<Socket> _writable = [];
    private int _nextReadable;
    private int _nextWritable;
    // Never bound nor connected: shutting it down makes it readable, which ends a wait from any thread without a byte being sent. Each is good for once.
    private Socket _signal = NewSignal();
    private bool _isSignalled;
    private readonly Lock _lifeGate = new();
    private volatile bool _stopping;
    private bool _running;
    private bool _closed;

    public TpmServer(TpmRequestHandler handler, TpmServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _options = options ?? new TpmServerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxClients, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxClientsPerListener, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxRequestLength, TpmMessage.HeaderLength, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.MaxRequestLength, TpmMessage.MaxLength, nameof(options));
        _dispatcher = new RequestDispatcher(handler, _options);
    }

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
                AnswerDeferred();
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
            Signal();
        }
    }

    /// <summary>
    /// Answers what was deferred so far without waiting for the end of the turn. For the handler, before it does something that takes long or that
    /// must not come before them.
    /// </summary>
    public void AnswerDeferred()
    {
        if (_answering || _deferred.Count == 0) return;
        _answering = true;
        _deferredResponse ??= new byte[TpmMessage.MaxLength];   // the handler may have the other one under its hands
        foreach ((ServedClient client, int length) in _deferred)
        {
            int answered = _dispatcher.AnswerDeferred(client.Info, client.Held(length), _deferredResponse);
            // The list of clients is being gone through: the next turn removes it.
            if (!Send(client, length, _deferredResponse.AsSpan(0, answered))) client.HasLeft = true;
        }

        _deferred.Clear();
        _answering = false;
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

    private static Socket NewSignal() => new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    /// <summary>Ends the wait that the loop is in, or the next one. From any thread.</summary>
    private void Signal()
    {
        lock (_lifeGate)
        {
            if (_isSignalled || _closed) return;
            _isSignalled = true;
            _signal.Shutdown(SocketShutdown.Receive);
        }
    }

    /// <summary>What is looked at after this and changes is signalled anew.</summary>
    private Socket RenewSignal()
    {
        lock (_lifeGate)
        {
            if (!_isSignalled || _stopping) return _signal;
            _signal.Dispose();
            _isSignalled = false;
            return _signal = NewSignal();
        }
    }

    private void WaitForWork()
    {
        _readable.Clear();
        _writable.Clear();
        _nextReadable = _nextWritable = 0;
        _readable.Add(RenewSignal());
        long wake = AskListeners();
        foreach (var client in _clients)
        {
            if (client.HasLeft) wake = 0;
            else if (!client.IsPrepared) continue;
            else if (client.IsStalled) _writable.Add(client.Socket);
            else if (client.Peek(_options.MaxRequestLength, out _) == RequestState.Incomplete) _readable.Add(client.Socket);
            else wake = 0;
            if (client.Deadline != 0) wake = Math.Min(wake, client.Deadline);
        }

        var patience = wake == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(Math.Max(0, wake - Environment.TickCount64));
        Socket.Select(_readable, _writable.Count > 0 ? _writable : null, null, patience);
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
        if (client.HasLeft) return false;
        if (!client.IsPrepared) return true;
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
        if (answered != Deferred) return Send(client, length, _response.AsSpan(0, answered));
        _deferred.Add((client, length));
        return true;
    }

    /// <summary>Ends a request with its response.</summary>
    /// <returns>False when the client has left.</returns>
    private bool Send(ServedClient client, int length, Span<byte> response)
    {
        client.Consume(length, _buffers);
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
        _dispatcher.Log(client.Info, $"{why}; connection closed");
        return false;
    }

    private void Remove(ServedClient client)
    {
        client.Close(_buffers);
        client.Listener.Clients--;
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
        _signal.Dispose();
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
