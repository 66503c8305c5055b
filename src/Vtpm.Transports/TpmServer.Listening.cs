using System.Globalization;
using System.Net.Sockets;

namespace Vtpm.Transports;

/// <content>How clients come: the sockets that are listened on, and accepting.</content>
public sealed partial class TpmServer
{
    /// <summary>After accepting has failed (descriptors used up), for this long only the clients already here are served.</summary>
    private const int AcceptPauseMilliseconds = 1000;

    private readonly List<TpmListener> _listeners = [];
    private bool _full;
    private long _acceptAgain;

    /// <summary>Binds one more address; before <see cref="Run"/>. Clients can connect from now on and are answered once the server runs.</summary>
    /// <param name="address">Where.</param>
    /// <param name="maxClients">Another limit than <see cref="TpmServerOptions.MaxClientsPerListener"/>.</param>
    /// <exception cref="TpmTransportException">Another server listens there, or it is not permitted; the message says what to do.</exception>
    public TpmListener Listen(TpmAddress address, int? maxClients = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        TpmListener listener = Add(() => TpmListener.Open(address, _options.UnixMode));
        listener.MaxClients = maxClients ?? _options.MaxClientsPerListener;
        return listener;
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
    public TpmListener ListenInherited(int descriptor)
    {
        TpmListener listener = Add(() => TpmListener.Inherit(descriptor));
        listener.MaxClients = _options.MaxClientsPerListener;
        return listener;
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
        foreach (var listener in _listeners)
        {
            if (HasRoom(listener)) _readable.Add(listener.Socket);
        }

        return long.MaxValue;
    }

    /// <summary>Whether a listener may have one more client; those that wait for it to have are no business of the others.</summary>
    private bool HasRoom(TpmListener listener)
    {
        bool isFull = listener.Clients >= listener.MaxClients;
        if (isFull && !listener.IsFull)
            _dispatcher.Log($"{listener.Address}: {listener.Clients} clients are connected, the limit for one socket: more wait until one leaves");
        listener.IsFull = isFull;
        return !isFull;
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
            client = new ServedClient(socket, listener,
                new ClientInfo(_dispatcher.NextId(), listener.Address, credentials, unix ? null : socket.RemoteEndPoint?.ToString(), unix ? socket : null));
        }
        catch (SocketException)
        {
            socket.Dispose();
            return;
        }

        if (!_dispatcher.Opened(client.Info))
        {
            client.Close(_buffers);
            return;
        }

        listener.Clients++;
        _clients.Add(client);
        client.Info.Preparation?.ContinueWith(_ => Signal(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
