using System.Net;
using System.Net.Sockets;

namespace Vtpm.Transports.Tests;

/// <summary>A client that may misbehave: bytes in, bytes out. Its timeout turns a hang into a failure.</summary>
internal sealed class RawClient : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public RawClient(TpmAddress address, int? receiveBuffer = null)
    {
        EndPoint endPoint = address.Kind == TpmAddressKind.Unix
            ? new UnixDomainSocketEndPoint(address.Name) : new IPEndPoint(IPAddress.Parse(address.Name), address.Port);
        Socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        // Only before connecting does it bound what the system takes in unasked.
        if (receiveBuffer is { } size) Socket.ReceiveBufferSize = size;
        Socket.Connect(endPoint);
        Socket.ReceiveTimeout = Socket.SendTimeout = (int)Patience.TotalMilliseconds;
    }

    public Socket Socket { get; }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[Socket.Send(bytes)..];
    }

    public byte[] Receive()
    {
        byte[] header = ReceiveExactly(TpmMessage.HeaderLength);
        return [.. header, .. ReceiveExactly((int)TpmMessage.ReadSize(header) - header.Length)];
    }

    public byte[] Exchange(byte[] request)
    {
        Send(request);
        return Receive();
    }

    /// <summary>Whether the server has closed the connection, with nothing more to come.</summary>
    public bool ReceivesEnd()
    {
        try
        {
            return Socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    public void Dispose() => Socket.Dispose();

    private byte[] ReceiveExactly(int length)
    {
        byte[] bytes = new byte[length];
        for (int held = 0; held < length;)
        {
            int received = Socket.Receive(bytes.AsSpan(held));
            if (received == 0) throw new EndOfStreamException($"the connection ended after {held} of {length} bytes");
            held += received;
        }

        return bytes;
    }
}
