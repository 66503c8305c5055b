using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Xen;

public struct DeepQuoteRequest : IWireStructure<DeepQuoteRequest>
{
    public TpmNonce ExternData;

    /// <summary>PCRs of this TPM.</summary>
    public TpmPcrSelection VtSel;

    /// <summary>PCRs of the hardware TPM.</summary>
    public TpmPcrSelection PtSel;
    public VtpmQuoteFlags ExtraInfoFlags;

    public static void Describe<TCodec>(ref TCodec wire, ref DeepQuoteRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.ExternData);
        wire.Structure(ref value.VtSel);
        wire.Structure(ref value.PtSel);
        wire.Enum(ref value.ExtraInfoFlags);
    }
}

/// <summary>
/// <c>TPM_DeepQuote</c>, Xen's own: the hardware TPM quotes its PCRs together with those of this one, so that one signature tells what runs in the
/// guest and what runs below it. The values of the guest's PCRs are not answered: TPM_PCRRead tells them.
/// </summary>
public sealed class DeepQuote()
    : TpmCommand<DeepQuoteRequest, VtpmGetQuoteResponse>(TpmOrdinal.DeepQuote, Sessions.One, Availability.Owned, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in DeepQuoteRequest request, ref VtpmGetQuoteResponse response)
    {
        if (tpm.Platform.Parent is not { } parent) return BadOrdinal;
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (!PcrBinding.IsValid(request.VtSel)) return InvalidPcrInfo;
        var info = new VtpmDeepQuoteInfo
        {
            ExternData = request.ExternData,
            PcrInfo = new TpmPcrInfoShort
            {
                PcrSelection = request.VtSel,
                LocalityAtRelease = LocalityOf(tpm),
                DigestAtRelease = tpm.State.Pcrs.CompositeHash(request.VtSel),
            },
        };
        return parent.Quote(WireFormat.Digest(info), request.PtSel, request.ExtraInfoFlags, out response);
    }

    /// <summary>A bit for each of the eight localities that fit a byte: the original tells 5 to 7, too, which nothing else knows.</summary>
    private static TpmLocalitySelection LocalityOf(CommandContext tpm) =>
        tpm.Locality is >= 0 and < 8 ? (TpmLocalitySelection)(1 << tpm.Locality) : TpmLocalitySelection.None;
}
