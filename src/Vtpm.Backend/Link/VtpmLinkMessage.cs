using System.Buffers.Binary;
using System.Text;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Backend;

/// <summary>What goes over the link between the service and a vTPM's process, a pair of sockets that keep messages apart (SOCK_SEQPACKET).</summary>
/// <remarks><code>
///  to the process    | kind 1 | locality 1 | UINT16 client | UINT16 label | client … | label … | request …
///                      1: of a frontend   2: of the service itself, which no locality= argument keeps out
///  from the process  | 1 | UINT8 origin |       first of all: its TPM has started; what it can tell of the boot (0: it keeps no record)
///                    | 2 | response … |         for each request one, and nothing else
/// </code>
/// One request is outstanding at a time. The process is in its guest's hands for all we know: what it sends is judged, and another message than the one
/// that is due ends it.
/// </remarks>
internal static class VtpmLinkMessage
{
    /// <summary>A client's name is <c>DOMAIN/DEVICE</c>; a label of XSM is shorter, too.</summary>
    public const int LongestText = 1024;

    /// <summary>Room for any message, and for a byte more, which shows that one is longer.</summary>
    public const int BufferSize = RequestHeader + (2 * LongestText) + TpmMessage.MaxLength + 1;

    private const int RequestHeader = 6;

    private enum FromProcess : byte
    {
        Ready = 1,
        Response = 2,
    }

    /// <returns>The length of the message.</returns>
    public static int WriteRequest(Span<byte> message, bool isOurs, int locality, string client, string label, ReadOnlySpan<byte> request)
    {
        message[0] = (byte)(isOurs ? 2 : 1);
        message[1] = (byte)locality;
        int clientLength = Text(client, message.Slice(RequestHeader, LongestText));
        int labelLength = Text(label, message.Slice(RequestHeader + clientLength, LongestText));
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)clientLength);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], (ushort)labelLength);
        int start = RequestHeader + clientLength + labelLength;
        request.CopyTo(message[start..]);
        return start + request.Length;
    }

    /// <returns>False for what is no request.</returns>
    public static bool TryReadRequest(ReadOnlySpan<byte> message, out VtpmLinkRequest request)
    {
        request = default;
        if (message.Length < RequestHeader || message[0] is not (1 or 2)) return false;
        int client = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        int label = BinaryPrimitives.ReadUInt16BigEndian(message[4..]);
        if (client > LongestText || label > LongestText || !TpmMessage.IsWhole(message[Math.Min(message.Length, RequestHeader + client + label)..])) return false;
        request = new VtpmLinkRequest
        {
            IsOurs = message[0] == 2,
            Locality = message[1],
            Client = Encoding.UTF8.GetString(message.Slice(RequestHeader, client)),
            Label = Encoding.UTF8.GetString(message.Slice(RequestHeader + client, label)),
            Start = RequestHeader + client + label,
        };
        return true;
    }

    public static byte[] Ready(BootOrigin? origin) => [(byte)FromProcess.Ready, (byte)(origin ?? 0)];

    public static bool TryReadReady(ReadOnlySpan<byte> message, out BootOrigin? origin)
    {
        origin = null;
        if (message.Length != 2 || message[0] != (byte)FromProcess.Ready) return false;
        if (message[1] == 0) return true;
        origin = (BootOrigin)message[1];
        return Enum.IsDefined(origin.Value);
    }

    /// <summary>Makes a message of a response that stands in the buffer from its second byte on.</summary>
    public static Span<byte> Response(Span<byte> buffer, int length)
    {
        buffer[0] = (byte)FromProcess.Response;
        return buffer[..(1 + length)];
    }

    public static bool TryReadResponse(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> response)
    {
        response = message.Length > 0 ? message[1..] : [];
        return message.Length > 0 && message[0] == (byte)FromProcess.Response && response.Length <= TpmMessage.MaxLength && TpmMessage.IsWhole(response);
    }

    // What is too long is cut off, where a label would else be another one: no label that is cut off is a label that somebody has written down.
    private static int Text(string text, Span<byte> room) =>
        Encoding.UTF8.TryGetBytes(text, room, out int length) ? length : Encoding.UTF8.GetBytes("(too long)", room);
}

/// <summary>A request as a vTPM's process gets it.</summary>
internal readonly record struct VtpmLinkRequest
{
    /// <summary>It is the service's own, for no frontend.</summary>
    public bool IsOurs { get; init; }

    public int Locality { get; init; }

    public string Client { get; init; }

    public string Label { get; init; }

    /// <summary>Where the TPM's request stands in the message.</summary>
    public int Start { get; init; }
}
