using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager.Commands;

/// <summary>
/// <c>VTPM_ORD_GROUP_QUOTE</c>: the hardware TPM's PCRs by the identity key of a group, for no vTPM. The original never implemented it.
/// </summary>
internal sealed class GroupQuote() : ManagerCommand<VtpmGroupQuoteRequest, VtpmGroupQuoteResponse>(VtpmManagerOrdinal.GroupQuote)
{
    protected override TpmResult Execute(in ManagerContext manager, in VtpmGroupQuoteRequest request, ref VtpmGroupQuoteResponse response)
    {
        if (manager.FindGroup(request.Group, out ManagerGroup group) is var refusal and not TpmResult.Success) return refusal;
        if (!manager.CanSpeakFor(group, "GroupQuote")) return TpmResult.Fail;
        if (request.PcrSelection.PcrSelect.Length > BareQuote.LongestSelection) return TpmResult.BadParameter;
        TpmDigest externalData = BareQuote.ExternalData(BareQuote.Shown(request.Nonce));
        (TpmPcrComposite pcrs, byte[] signature) = manager.Hardware.Quote(group, externalData, request.PcrSelection);
        if (signature.Length != Rsa2048.Size) return TpmResult.Fail;
        response.Signature = signature;
        response.PcrValues = pcrs.PcrValue;
        return TpmResult.Success;
    }
}
