using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What vTPMs ask the hardware in commands of TPM 1.2, said to a TPM 2.0 in its own.</content>
internal sealed partial class Tpm2Hardware
{
    /// <summary>A TPM 1.2 too may give fewer bytes than it is asked for.</summary>
    private const uint MostRandomBytes = 256;

    public int PassThrough(ReadOnlySpan<byte> request, Span<byte> response)
    {
        var reader = new WireReader(request[TpmHeader.Size..]);
        var writer = new WireWriter(response[TpmHeader.Size..]);
        TpmResult result = TpmMessage.ReadOrdinal(request) switch
        {
            TpmOrdinal.GetRandom => GetRandom(ref reader, ref writer),
            TpmOrdinal.PcrRead => PcrRead(ref reader, ref writer),
            TpmOrdinal.Extend => Extend(ref reader, ref writer),
            _ => TpmResult.DisabledCmd,
        };
        if (result != TpmResult.Success) return TpmMessage.WriteFailure(request, result, response);
        int length = TpmHeader.Size + writer.Length;
        var header = new TpmHeader { Tag = TpmTag.RspCommand, ParamSize = (uint)length, Code = (uint)TpmResult.Success };
        var start = new WireWriter(response);
        start.Structure(ref header);
        return length;
    }

    private TpmResult GetRandom(ref WireReader reader, ref WireWriter writer)
    {
        uint bytesRequested = 0;
        reader.UInt32(ref bytesRequested);
        if (reader.Finish() != TpmResult.Success) return reader.Result;
        ReadOnlyMemory<byte> random = Use(tpm => tpm.GetRandom((int)Math.Min(bytesRequested, MostRandomBytes)));
        writer.Sized32(ref random);
        return writer.Result;
    }

    private TpmResult PcrRead(ref WireReader reader, ref WireWriter writer)
    {
        uint pcr = 0;
        reader.UInt32(ref pcr);
        if (reader.Finish() != TpmResult.Success) return reader.Result;
        return TryFind(pcr) is var refusal and not TpmResult.Success ? refusal : Value(pcr, ref writer);
    }

    /// <summary>
    /// Every active bank, so that what is sealed to another one sees it too: a digest of SHA-1 with zeroes behind it, as Linux extends banks that it
    /// has no digest for.
    /// </summary>
    private TpmResult Extend(ref WireReader reader, ref WireWriter writer)
    {
        uint pcr = 0;
        TpmDigest digest = default;
        reader.UInt32(ref pcr);
        reader.Structure(ref digest);
        if (reader.Finish() != TpmResult.Success) return reader.Result;
        if (TryFind(pcr) is var refusal and not TpmResult.Success) return refusal;
        var digests = new Dictionary<TpmAlgId, byte[]>();
        foreach (TpmAlgId bank in _banks.Keys.Where(bank => (_banks[bank] >> (int)pcr & 1) == 1 && Preferred.Contains(bank)))
            digests[bank] = [.. digest.ReadOnlySpan, .. new byte[bank == TpmAlgId.Sha1 ? 0 : WidthOf(bank) - TpmDigest.Size]];
        try
        {
            Use(tpm =>
            {
                using Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, _keys.Get(tpm));
                tpm.PcrExtend(pcr, session, digests);
                return true;
            });
        }
        catch (Tpm2CommandException e) when (e.Result == TpmRc.Locality)
        {
            return TpmResult.BadLocality;
        }

        return Value(pcr, ref writer);
    }

    private static int WidthOf(TpmAlgId bank) => bank switch
    {
        TpmAlgId.Sha512 => 64,
        TpmAlgId.Sha384 => 48,
        _ => 32,
    };

    /// <summary>A TPM 1.2 speaks of PCRs by SHA-1 alone: without that bank there is nothing to say.</summary>
    private TpmResult TryFind(uint pcr)
    {
        if (pcr >= PcrList.Count) return TpmResult.BadIndex;
        if ((_banks.GetValueOrDefault(TpmAlgId.Sha1) >> (int)pcr & 1) == 1) return TpmResult.Success;
        _log.About("PCRs").TpmWarn($"PCR {pcr} has no value of TPM 1.2: the hardware TPM's SHA-1 bank is not active");
        return TpmResult.DisabledCmd;
    }

    private TpmResult Value(uint pcr, ref WireWriter writer)
    {
        var value = new TpmDigest(Use(tpm => tpm.PcrRead(TpmAlgId.Sha1, 1u << (int)pcr)[0]));
        writer.Structure(ref value);
        return writer.Result;
    }
}
