using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Transports;

/// <summary>The frame every link shares, that of requests (Part 3 §1.2, <c>TPM_RQU_COMMAND</c>) and of responses.</summary>
/// <remarks><code>
///  0        2                 6                      10
///  | UINT16 |     UINT32      |        UINT32        |
///  |  tag   |    paramSize    | ordinal / returnCode |  parameters …
///           '- of the whole message, these ten bytes included
/// </code></remarks>
public static class TpmMessage
{
    public const int HeaderLength = 10;

    /// <summary>The page that Xen's ring carries, and the largest message any link takes.</summary>
    public const int MaxLength = 4096;

    /// <summary>Where paramSize ends: with so many bytes the length of a message is known.</summary>
    internal const int SizeEnd = 6;

    /// <summary>paramSize of a message that has begun with <paramref name="start"/>; at least six bytes.</summary>
    public static uint ReadSize(ReadOnlySpan<byte> start) => BinaryPrimitives.ReadUInt32BigEndian(start[2..]);

    /// <summary>The tag of a whole request or response.</summary>
    public static TpmTag ReadTag(ReadOnlySpan<byte> message) => (TpmTag)BinaryPrimitives.ReadUInt16BigEndian(message);

    /// <summary>The ordinal of a whole request.</summary>
    public static TpmOrdinal ReadOrdinal(ReadOnlySpan<byte> request) => (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request[SizeEnd..]);

    /// <summary>The returnCode of a whole response.</summary>
    public static TpmResult ReadResult(ReadOnlySpan<byte> response) => (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(response[SizeEnd..]);

    /// <summary>Whether <paramref name="bytes"/> are one message and nothing else.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> bytes) => bytes.Length >= HeaderLength && ReadSize(bytes) == (uint)bytes.Length;

    /// <summary>Writes the response that is nothing but a result, with the tag that answers <paramref name="request"/>'s.</summary>
    /// <returns>Its length.</returns>
    public static int WriteFailure(ReadOnlySpan<byte> request, TpmResult result, Span<byte> response)
    {
        TpmTag tag = ReadTag(request);
        return WriteFailure(tag is TpmTag.VtpmReq or TpmTag.VtpmReq2 ? TpmTag.VtpmRsp : TpmTag.RspCommand, result, response);
    }

    /// <summary>Writes the response of a TPM that is nothing but a result, whatever was asked.</summary>
    /// <returns>Its length.</returns>
    public static int WriteFailure(TpmResult result, Span<byte> response) => WriteFailure(TpmTag.RspCommand, result, response);

    private static int WriteFailure(TpmTag tag, TpmResult result, Span<byte> response)
    {
        BinaryPrimitives.WriteUInt16BigEndian(response, (ushort)tag);
        BinaryPrimitives.WriteUInt32BigEndian(response[2..], HeaderLength);
        BinaryPrimitives.WriteUInt32BigEndian(response[6..], (uint)result);
        return HeaderLength;
    }
}
