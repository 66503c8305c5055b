using System.Buffers.Binary;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>Reads the PCRs of the hardware TPM, which approvals are about, wherever one stands.</summary>
public static class HardwarePcrs
{
    private const int RequestLength = TpmHeader.Size + sizeof(uint);

    /// <summary>From the manager, which passes the command on; or from the hardware TPM itself.</summary>
    /// <exception cref="TpmCommandException">It refuses.</exception>
    /// <exception cref="TpmTransportException">The link failed.</exception>
    public static TpmDigest[] Read(ITpmConnection connection) => ReadAll(connection, TpmTag.RquCommand);

    /// <summary>
    /// From a TPM that may be a hardware TPM or a guest's. A guest's own PCRs are not those that are wanted: its vTPM is asked for the hardware's.
    /// </summary>
    public static TpmDigest[] ReadBelow(ITpmConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        // A hardware TPM does not know the tag.
        bool isVtpm = Exchange(connection, TpmTag.VtpmReq, 0, out _) == TpmResult.Success;
        return ReadAll(connection, isVtpm ? TpmTag.VtpmReq : TpmTag.RquCommand);
    }

    private static TpmDigest[] ReadAll(ITpmConnection connection, TpmTag tag)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var values = new TpmDigest[PcrList.Count];
        for (uint pcr = 0; pcr < PcrList.Count; pcr++)
        {
            TpmResult result = Exchange(connection, tag, pcr, out values[pcr]);
            if (result != TpmResult.Success) throw TpmCommandException.From(TpmOrdinal.PcrRead, result);
        }

        return values;
    }

    private static TpmResult Exchange(ITpmConnection connection, TpmTag tag, uint pcr, out TpmDigest value)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        Span<byte> response = stackalloc byte[TpmMessage.MaxLength];
        BinaryPrimitives.WriteUInt16BigEndian(request, (ushort)tag);
        BinaryPrimitives.WriteUInt32BigEndian(request[2..], RequestLength);
        BinaryPrimitives.WriteUInt32BigEndian(request[6..], (uint)TpmOrdinal.PcrRead);
        BinaryPrimitives.WriteUInt32BigEndian(request[TpmHeader.Size..], pcr);
        int length = connection.Transmit(request, response);
        value = default;
        TpmResult result = TpmMessage.ReadResult(response);
        if (result != TpmResult.Success) return result;
        if (length != TpmHeader.Size + TpmDigest.Size) throw new TpmProtocolException(TpmOrdinal.PcrRead, $"{length} bytes");
        value = new TpmDigest(response.Slice(TpmHeader.Size, TpmDigest.Size));
        return result;
    }
}
