using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>A client that sends what it likes: bytes in, bytes out.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;

    public RawClient(TpmAddress address)
    {
        EndPoint endPoint = address.Kind == TpmAddressKind.Unix
            ? new UnixDomainSocketEndPoint(address.Name) : new IPEndPoint(IPAddress.Parse(address.Name), address.Port);
        _socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        _socket.Connect(endPoint);
        _socket.ReceiveTimeout = _socket.SendTimeout = (int)VtpmProcess.Patience.TotalMilliseconds;
    }

    /// <summary>A request: header and parameters.</summary>
    public static byte[] Request(ushort tag, uint ordinal, params ReadOnlySpan<byte> parameters)
    {
        byte[] request = new byte[TpmHeader.Size + parameters.Length];
        BinaryPrimitives.WriteUInt16BigEndian(request, tag);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(2), request.Length);
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), ordinal);
        parameters.CopyTo(request.AsSpan(TpmHeader.Size));
        return request;
    }

    public static byte[] Request(TpmOrdinal ordinal, params ReadOnlySpan<byte> parameters) => Request((ushort)TpmTag.RquCommand, (uint)ordinal, parameters);

    public static TpmResult ResultOf(ReadOnlySpan<byte> response) => (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(response[6..]);

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>One whole response.</summary>
    public byte[] Receive()
    {
        byte[] header = ReceiveExactly(TpmHeader.Size);
        int size = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(2));
        Assert.InRange(size, TpmHeader.Size, TpmMessage.MaxLength);
        return [.. header, .. ReceiveExactly(size - TpmHeader.Size)];
    }

    public byte[] Exchange(ReadOnlySpan<byte> request)
    {
        Send(request);
        return Receive();
    }

    /// <summary>Whether the server ends the connection, with nothing more to come.</summary>
    public bool ReceivesEnd()
    {
        try
        {
            return _socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public void Dispose() => _socket.Dispose();

    private byte[] ReceiveExactly(int length)
    {
        byte[] bytes = new byte[length];
        for (int held = 0; held < length;)
        {
            int received = _socket.Receive(bytes.AsSpan(held));
            if (received == 0) Assert.Fail($"the connection was closed after {held} of {length} bytes");
            held += received;
        }

        return bytes;
    }
}
