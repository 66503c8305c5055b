using System.Text;

namespace Vtpm.Xen;

/// <summary>The kinds of messages, <c>enum xsd_sockmsg_type</c>, that are used here.</summary>
internal enum XenStoreMessageType : uint
{
    Directory = 1,
    Read = 2,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Write = 11,
    Remove = 13,
    WatchEvent = 15,
    Error = 16,
}

/// <summary>One message of xenstore's protocol: <c>struct xsd_sockmsg</c> in the machine's byte order, and a payload.</summary>
/// <remarks><code>
///  0        4          8         12       16
///  |  type  |  req_id  |  tx_id  |  len   |  payload of len bytes, at most 4096
/// </code></remarks>
internal readonly record struct XenStoreMessage(XenStoreMessageType Type, uint RequestId, uint Transaction, byte[] Payload)
{
    public const int HeaderSize = 16;

    /// <summary>XENSTORE_PAYLOAD_MAX.</summary>
    public const int LongestPayload = 4096;

    /// <summary>The payload as one string, without the zero that most replies end with.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.AsSpan().TrimEnd((byte)0));

    /// <summary>The payload as strings that each end with a zero.</summary>
    public string[] Texts => Encoding.UTF8.GetString(Payload).Split('\0', StringSplitOptions.RemoveEmptyEntries);

    /// <exception cref="ArgumentException">Longer than xenstore takes.</exception>
    public static XenStoreMessage Of(XenStoreMessageType type, uint transaction, string payload)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(payload);
        return bytes.Length <= LongestPayload
            ? new XenStoreMessage(type, 0, transaction, bytes)
            : throw new ArgumentException($"xenstore takes {LongestPayload} bytes and this is {bytes.Length}", nameof(payload));
    }

    public byte[] ToBytes(uint requestId)
    {
        byte[] bytes = new byte[HeaderSize + Payload.Length];
        Put(bytes, (uint)Type);
        Put(bytes.AsSpan(4), requestId);
        Put(bytes.AsSpan(8), Transaction);
        Put(bytes.AsSpan(12), (uint)Payload.Length);
        Payload.CopyTo(bytes, HeaderSize);
        return bytes;
    }

    /// <summary>Reads one whole message.</summary>
    /// <exception cref="XenException">The stream has ended, or is not xenstore's.</exception>
    public static XenStoreMessage ReadFrom(Stream stream)
    {
        byte[] header = new byte[HeaderSize];
        try
        {
            stream.ReadExactly(header);
            uint length = Get(header.AsSpan(12));
            if (length > LongestPayload) throw new XenException($"xenstore: a reply of {length} bytes is none of its");
            byte[] payload = new byte[length];
            stream.ReadExactly(payload);
            return new XenStoreMessage((XenStoreMessageType)Get(header), Get(header.AsSpan(4)), Get(header.AsSpan(8)), payload);
        }
        catch (EndOfStreamException e)
        {
            throw new XenException("xenstore has ended the connection: is xenstored still there?", e);
        }
    }

    // The machine's own order: both ends are on the same one.
    private static void Put(Span<byte> destination, uint value) => BitConverter.TryWriteBytes(destination, value);

    private static uint Get(ReadOnlySpan<byte> source) => BitConverter.ToUInt32(source);
}
