using System.Buffers.Binary;

namespace Vtpm.Transports.Tests;

internal static class Messages
{
    /// <summary>A request of <paramref name="length"/> bytes; its parameters are <paramref name="fill"/>.</summary>
    public static byte[] Request(int length, byte fill = 0xA5)
    {
        byte[] message = new byte[length];
        message.AsSpan(TpmMessage.HeaderLength).Fill(fill);
        WriteHeader(message, 0x00C1, (uint)length, 0x14);
        return message;
    }

    /// <summary>What <see cref="Echo"/> answers to <paramref name="request"/>.</summary>
    public static byte[] EchoOf(byte[] request)
    {
        byte[] response = new byte[TpmMessage.MaxLength];
        return response[..Echo(null!, request, response)];
    }

    /// <summary>Answers with the request's own bytes under a response's header.</summary>
    public static int Echo(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        request.CopyTo(response);
        WriteHeader(response, 0x00C4, (uint)request.Length, 0);
        return request.Length;
    }

    public static void WriteHeader(Span<byte> message, ushort tag, uint size, uint code)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, tag);
        BinaryPrimitives.WriteUInt32BigEndian(message[2..], size);
        BinaryPrimitives.WriteUInt32BigEndian(message[6..], code);
    }

    public static byte[] Header(uint size)
    {
        byte[] header = new byte[TpmMessage.HeaderLength];
        WriteHeader(header, 0x00C1, size, 0x14);
        return header;
    }

    public static byte[] Transmit(this ITpmConnection connection, byte[] request)
    {
        byte[] response = new byte[TpmMessage.MaxLength];
        return response[..connection.Transmit(request, response)];
    }
}
