using Vtpm.Client;
using Vtpm.Client.Attestation;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GETQUOTE</c>: the hardware TPM, by the identity key of the vTPM's group, quotes its PCRs together with the vTPM's nonce and what the
/// flags ask to be said about the vTPM.
/// </summary>
internal sealed class GetQuote() : ManagerCommand<VtpmGetQuoteRequest, VtpmGetQuoteResponse>(VtpmManagerOrdinal.GetQuote)
{
    /// <summary>VTPM_INVALID_REQUEST: the number is TPM_CLEAR_DISABLED's.</summary>
    private const TpmResult InvalidRequest = TpmResult.ClearDisabled;

    protected override TpmResult Execute(in ManagerContext manager, in VtpmGetQuoteRequest request, ref VtpmGetQuoteResponse response)
    {
        if (manager.Link.Vtpm is not { } vtpm) return TpmResult.BadParameter;
        if ((request.Flags & ~QuoteFormula.AllFlags) != 0) return InvalidRequest;
        if (request.PcrSelection.PcrSelect.Length > BareQuote.LongestSelection) return TpmResult.BadParameter;
        if (!manager.CanSpeakFor(vtpm.Group, "GetQuote")) return TpmResult.Fail;

        byte[] hashes = Hashes(vtpm, manager.Link.KernelHash, request.Flags);
        TpmDigest externalData = QuoteFormula.ExternalData(request.Flags, new TpmDigest(request.Nonce.ReadOnlySpan), hashes);
        (TpmPcrComposite pcrs, byte[] signature) = manager.Hardware.Quote(vtpm.Group, externalData, request.PcrSelection);
        if (signature.Length != Rsa2048.Size) return TpmResult.Fail;
        response.Signature = signature;
        response.HashesAndPcrValues = (byte[])[.. hashes, .. pcrs.PcrValue.Span];
        return TpmResult.Success;
    }

    private static byte[] Hashes(ManagerVtpm vtpm, TpmDigest kernelHash, VtpmQuoteFlags flags)
    {
        var hashes = new List<byte>();
        ManagerGroup group = vtpm.Group;
        if ((flags & VtpmQuoteFlags.HashUuid) != 0) hashes.AddRange(QuoteFormula.HashUuid(vtpm.Uuid).ReadOnlySpan);
        if ((flags & VtpmQuoteFlags.VtpmMeasurements) != 0) hashes.AddRange(QuoteFormula.HashMeasurements(kernelHash).ReadOnlySpan);
        if ((flags & VtpmQuoteFlags.GroupInfo) != 0) hashes.AddRange(QuoteFormula.HashGroupInfo(group.SaaModulus.Span, group.ToConfigList()).ReadOnlySpan);
        if ((flags & VtpmQuoteFlags.GroupPubkey) != 0) hashes.AddRange(QuoteFormula.HashAuthority(group.SaaModulus.Span).ReadOnlySpan);
        return [.. hashes];
    }
}
