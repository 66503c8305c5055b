using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Vtpm.Transports;

/// <summary>A socket that a <see cref="TpmServer"/> takes clients from.</summary>
public sealed class TpmListener : IDisposable
{
    private const int Backlog = 128;

    // errno as the base library leaves it in HResult.
    private const int NoSuchDevice = 6;

    private TpmListener(TpmAddress address, Socket socket)
    {
        Address = address;
        Socket = socket;
        // A client may be gone again before it is accepted; that must not block the others.
        socket.Blocking = false;
    }

    /// <summary>What clients connect to: port 0 has become the port that was free.</summary>
    public TpmAddress Address { get; }

    /// <summary>Whether only this machine reaches it. Everybody who reaches a TCP socket commands the TPM.</summary>
    public bool IsLoopback => Socket.LocalEndPoint is not IPEndPoint ip || IPAddress.IsLoopback(ip.Address);

    /// <summary>The socket, for a process that is to listen on it.</summary>
    public SafeHandle Handle => Socket.SafeHandle;

    internal Socket Socket { get; }

    /// <summary>At most so many clients of it are served at a time, the others wait.</summary>
    internal int MaxClients { get; set; } = int.MaxValue;

    /// <summary>Those of its clients that are being served.</summary>
    internal int Clients { get; set; }

    /// <summary>Its clients have reached the limit, and that was logged.</summary>
    internal bool IsFull { get; set; }

    /// <summary>Takes a client, for one who waits for <see cref="Handle"/>; null when there is none.</summary>
    /// <param name="fault">Why none can be taken, and whoever waits would be woken at once again: there are no descriptors left, for one.</param>
    public Socket? TryAccept(out SocketError fault)
    {
        fault = SocketError.Success;
        try
        {
            Socket client = Socket.Accept();
            client.Blocking = true;
            return client;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionAborted or SocketError.ConnectionReset)
        {
            return null;   // It changed its mind.
        }
        catch (SocketException e)
        {
            fault = e.SocketErrorCode;
            return null;
        }
    }

    /// <summary>Closes the socket; the base library unlinks the file of one it has bound.</summary>
    public void Dispose() => Socket.Dispose();

    /// <summary>Binds an address, for a process that is given the socket; <see cref="TpmServer.Listen"/> is for one's own.</summary>
    /// <exception cref="TpmTransportException">Another server listens there, or it is not permitted; the message says what to do.</exception>
    public static TpmListener Open(TpmAddress address, UnixFileMode unixMode) => address.Kind switch
    {
        TpmAddressKind.Unix => OpenUnix(address, unixMode),
        TpmAddressKind.Tcp => OpenTcp(address),
        _ => throw new TpmTransportException(TpmTransportFault.Unavailable, $"{address}: a server listens on unix:PATH or tcp:HOST:PORT"),
    };

    /// <summary>The listening socket that whoever started this process left open as <paramref name="descriptor"/>. Its file stays theirs.</summary>
    internal static TpmListener Inherit(int descriptor)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
            var address = socket.LocalEndPoint switch
            {
                IPEndPoint ip => TpmAddress.Tcp(ip),
                UnixDomainSocketEndPoint unix => TpmAddress.Unix(unix.ToString()),
                _ => throw new FormatException("neither TCP nor Unix"),
            };
            return new TpmListener(address, socket);
        }
        catch (Exception e) when (e is SocketException or FormatException or ArgumentException)
        {
            socket?.Dispose();
            throw new TpmTransportException(TpmTransportFault.Unavailable,
                $"inherited descriptor {descriptor} is no TCP or Unix socket to listen on: {e.Message}", e);
        }
    }

    private static TpmListener OpenTcp(TpmAddress address)
    {
        var endPoint = TpmConnection.Resolve(address)[0];
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            var bound = (IPEndPoint)socket.LocalEndPoint!;
            // The host stays as it was written: 'localhost' says more than its number.
            return new TpmListener(address.Port == 0 ? TpmAddress.Tcp(bound) : address, socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw CannotListen(address, e);
        }
    }

    private static TpmListener OpenUnix(TpmAddress address, UnixFileMode mode)
    {
        RemoveStale(address);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(address.Name));
            // Until it listens nobody can connect, whatever mode the umask has left.
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(address.Name, mode);
            socket.Listen(Backlog);
            return new TpmListener(address, socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw CannotListen(address, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new TpmTransportException(TpmTransportFault.Unavailable, $"{address}: cannot set the socket's mode: {e.Message}", e);
        }
    }

    /// <summary>Removes the socket a dead server has left; a live server's, and anything that is not a socket, is an error.</summary>
    private static void RemoveStale(TpmAddress address)
    {
        if (!File.Exists(address.Name)) return;
        if (!IsSocket(address.Name))
            throw new TpmTransportException(TpmTransportFault.InUse,
                $"{address}: a file is there that is not a socket; remove it or choose another path");
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        // A live server with a full backlog would make a blocking probe wait.
        probe.Blocking = false;
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(address.Name));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(address.Name);
            return;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            return;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new TpmTransportException(TpmTransportFault.InUse,
                $"{address}: another user's socket is there; remove it or choose another path", e);
        }
        catch (SocketException)
        {
            // Whatever else it says, it is alive enough to say it.
        }

        throw new TpmTransportException(TpmTransportFault.InUse, $"{address}: another server listens there; stop it or choose another path");
    }

    /// <summary>
    /// The base library names no file types, but the system opens anything except a socket (and a device without driver) by its path.
    /// </summary>
    private static bool IsSocket(string path)
    {
        try
        {
            // Reading and writing: either alone would wait for the other end of a FIFO.
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            return false;
        }
        catch (IOException e)
        {
            return e.HResult == NoSuchDevice || e is FileNotFoundException;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static TpmTransportException CannotListen(TpmAddress address, SocketException e)
    {
        (var fault, string text) = e.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse => (TpmTransportFault.InUse, "another server listens there; stop it or choose another address"),
            SocketError.AccessDenied => (TpmTransportFault.Unavailable, "no permission to listen there"),
            SocketError.AddressNotAvailable when address.Kind == TpmAddressKind.Tcp =>
                (TpmTransportFault.Unavailable, "this machine does not have that address"),
            _ when address.Kind == TpmAddressKind.Unix && !Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(address.Name))) =>
                (TpmTransportFault.Unavailable, "the socket's directory does not exist; create it"),
            _ => (TpmTransportFault.Failed, $"cannot listen: {e.SocketErrorCode}"),
        };
        return new TpmTransportException(fault, $"{address}: {text}", e);
    }
}
