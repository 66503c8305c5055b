using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateVerifyDelegationRequest : IWireStructure<DelegateVerifyDelegationRequest>
{
    /// <summary>A TPM_DELEGATE_KEY_BLOB or a TPM_DELEGATE_OWNER_BLOB.</summary>
    public ReadOnlyMemory<byte> Delegation;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateVerifyDelegationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Delegation);
}

/// <summary><c>TPM_Delegate_VerifyDelegation</c>, Part 3 §19.7: says whether a delegation blob is valid now.</summary>
public sealed class DelegateVerifyDelegation()
    : TpmCommand<DelegateVerifyDelegationRequest, NoParameters>(
        TpmOrdinal.DelegateVerifyDelegation, Sessions.None, Availability.Owned, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in DelegateVerifyDelegationRequest request, ref NoParameters response)
    {
        TpmResult result;
        if (WireFormat.Read(request.Delegation.Span, out TpmDelegateOwnerBlob ownerBlob) == Success)
            result = tpm.CheckFamily(ownerBlob.Pub).Failed(out TpmResult error) ? error : tpm.OpenDelegation(ownerBlob, out _);
        else if (WireFormat.Read(request.Delegation.Span, out TpmDelegateKeyBlob keyBlob) == Success)
            result = tpm.CheckFamily(keyBlob.Pub).Failed(out TpmResult error) ? error : tpm.OpenDelegation(keyBlob, out _);
        else
            return BadParameter;
        // Action 10.
        return result == BadDelegate ? BadParameter : result;
    }
}
