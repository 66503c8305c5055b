using System.Net;
using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>A blocking stream socket: one send and, as a rule, one receive per command.</summary>
internal sealed class SocketConnection : ITpmConnection
{
    private readonly TpmAddress _address;
    private readonly Socket _socket;
    private readonly TimeSpan _timeout;
    private readonly int _timeoutMilliseconds;
    private readonly bool _ownsSocket;
    private bool _broken;
    private bool _disposed;

    public SocketConnection(TpmAddress address, Socket socket, TimeSpan timeout, bool ownsSocket = true)
    {
        _address = address;
        _socket = socket;
        _ownsSocket = ownsSocket;
        _timeout = timeout;
        _timeoutMilliseconds = Milliseconds(timeout);
        socket.SendTimeout = _timeoutMilliseconds;
        socket.ReceiveTimeout = _timeoutMilliseconds;
        if (address.Kind == TpmAddressKind.Tcp) socket.NoDelay = true;
    }

    /// <summary>A socket that is connected to the first of the end points that answers.</summary>
    public static Socket Connect(TpmAddress address, EndPoint[] endPoints, TpmConnectionOptions options)
    {
        SocketException? last = null;
        foreach (var endPoint in endPoints)
        {
            // The protocol goes without saying: TCP is the stream of the Internet families.
            var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                Connect(socket, endPoint, options.ConnectTimeout);
                return socket;
            }
            catch (SocketException e)
            {
                socket.Dispose();
                last = e;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw CannotConnect(address, last);
    }

    public int Transmit(ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!TpmMessage.IsWhole(request)) throw new ArgumentException("the request's paramSize is not its length", nameof(request));
        if (_broken) throw new TpmTransportException(TpmTransportFault.Broken, $"{_address}: the link failed before; open a new one");
        // Whatever interrupts the exchange, an answer may still be on its way and must never pass for the next command's.
        _broken = true;
        long deadline = Environment.TickCount64 + _timeoutMilliseconds;
        Send(request);
        int length = Receive(response, deadline);
        _broken = false;
        return length;
    }

    public void Dispose()
    {
        _broken = true;
        if (_disposed || !_ownsSocket) return;
        _disposed = true;
        try
        {
            // Closing alone ends nothing while a program that is just being started has a copy of the descriptor.
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The peer was quicker.
        }

        _socket.Dispose();
    }

    private void Send(ReadOnlySpan<byte> request)
    {
        while (!request.IsEmpty)
        {
            int sent = _socket.Send(request, SocketFlags.None, out var error);
            if (error != SocketError.Success) throw Failed(error);
            request = request[sent..];
        }
    }

    private int Receive(Span<byte> response, long deadline)
    {
        int held = 0;
        bool hurried = false;
        while (true)
        {
            if (held == response.Length) throw TooLong(held, response.Length);
            int received = _socket.Receive(response[held..], SocketFlags.None, out var error);
            if (error != SocketError.Success) throw Failed(error);
            if (received == 0) throw Failed(SocketError.ConnectionReset);
            held += received;
            if (held >= TpmMessage.SizeEnd)
            {
                uint size = TpmMessage.ReadSize(response);
                if (size < TpmMessage.HeaderLength) throw Malformed($"a response of {size} bytes is too short to be one");
                if (size > (uint)response.Length) throw TooLong(size, response.Length);
                if (held > size) throw Malformed($"{held - size} bytes follow the response");
                if (held == size) break;
            }

            // A peer that dribbles must not renew its time with each byte.
            long left = deadline - Environment.TickCount64;
            if (left <= 0) throw Failed(SocketError.TimedOut);
            _socket.ReceiveTimeout = (int)left;
            hurried = true;
        }

        if (hurried) _socket.ReceiveTimeout = _timeoutMilliseconds;
        return held;
    }

    private TpmTransportException TooLong(long size, int room) => Malformed($"a response of {size} bytes does not fit into {room}");

    private TpmTransportException Malformed(string what) => new(TpmTransportFault.Malformed, $"{_address}: {what}; is that a TPM 1.2?");

    private TpmTransportException Failed(SocketError error) => error switch
    {
        // EAGAIN is how a blocking socket reports that its time is over.
        SocketError.TimedOut or SocketError.WouldBlock =>
            new(TpmTransportFault.TimedOut, $"{_address}: no response within {_timeout.TotalSeconds:0.###} s"),
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown =>
            new(TpmTransportFault.Closed, $"{_address}: the server closed the connection", new SocketException((int)error)),
        _ => new(TpmTransportFault.Failed, $"{_address}: {error}", new SocketException((int)error)),
    };

    private static void Connect(Socket socket, EndPoint endPoint, TimeSpan timeout)
    {
        if (endPoint is UnixDomainSocketEndPoint)
        {
            // A full backlog blocks connect for as long as the send timeout says.
            socket.SendTimeout = Milliseconds(timeout);
            socket.Connect(endPoint);
            return;
        }

        socket.Blocking = false;
        try
        {
            socket.Connect(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            if (!socket.Poll(timeout, SelectMode.SelectWrite)) throw new SocketException((int)SocketError.TimedOut);
            var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error != SocketError.Success) throw new SocketException((int)error);
        }

        socket.Blocking = true;
    }

    private static TpmTransportException CannotConnect(TpmAddress address, SocketException? e)
    {
        if (address.Kind == TpmAddressKind.Unix && !File.Exists(address.Name))
            return new TpmTransportException(TpmTransportFault.Unavailable,
                $"{address}: there is no such socket; start the server, or correct the path", e);
        (var fault, string text) = e?.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => (TpmTransportFault.Unavailable, "nothing listens there; start the server, or correct the address"),
            SocketError.AddressNotAvailable or SocketError.HostUnreachable or SocketError.NetworkUnreachable =>
                (TpmTransportFault.Unavailable, "no route leads there; correct the address"),
            SocketError.AccessDenied => (TpmTransportFault.Unavailable, "no permission to connect; the socket's mode and owner decide who may"),
            SocketError.TimedOut or SocketError.WouldBlock =>
                (TpmTransportFault.TimedOut, "no connection in time; is the server overloaded or behind a firewall?"),
            _ => (TpmTransportFault.Failed, e is null ? "the host has no address" : $"cannot connect: {e.SocketErrorCode}"),
        };
        return new TpmTransportException(fault, $"{address}: {text}", e);
    }

    private static int Milliseconds(TimeSpan timeout) => (int)Math.Clamp(timeout.TotalMilliseconds, 1, int.MaxValue);
}
