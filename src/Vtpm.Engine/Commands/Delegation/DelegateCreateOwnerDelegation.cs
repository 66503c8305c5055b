using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateCreateOwnerDelegationRequest : IWireStructure<DelegateCreateOwnerDelegationRequest>
{
    /// <summary>Whether all delegations of the family that there are become void before.</summary>
    public bool Increment;
    public TpmDelegatePublic PublicInfo;

    /// <summary>The secret of the delegation, encrypted by ADIP.</summary>
    public TpmAuthData DelAuth;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateCreateOwnerDelegationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bool(ref value.Increment);
        wire.Structure(ref value.PublicInfo);
        TpmAuthData.Describe(ref wire, ref value.DelAuth);
    }
}

/// <summary>
/// <c>TPM_Delegate_CreateOwnerDelegation</c>, Part 3 §19.3: delegates some of the owner's commands, in a blob for TPM_DSAP or for the table.
/// </summary>
public sealed class DelegateCreateOwnerDelegation()
    : TpmCommand<DelegateCreateOwnerDelegationRequest, DelegateBlobResponse>(
        TpmOrdinal.DelegateCreateOwnerDelegation, Sessions.One, Availability.Owned, Duration.Medium)
{
    protected override TpmResult Execute(CommandContext tpm, in DelegateCreateOwnerDelegationRequest request, ref DelegateBlobResponse response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        TpmDelegatePublic pub = request.PublicInfo;
        if (!tpm.Permanent.Delegation.TryFindFamily(pub.FamilyId, out TpmFamilyTableEntry family)) return BadIndex;
        if (DelegatePermissions.CheckGrant(tpm.OwnerDelegation, pub).Failed(out error)) return error;
        if (DelegatePermissions.CheckPublic(pub, TpmDelegateType.OwnerBits).Failed(out error)) return error;
        if (tpm.Auths[0].Session.Protocol == TpmProtocolId.Oiap) return InvalidAuthHandle;
        if (request.Increment && IncrementCount(tpm, ref family).Failed(out error)) return error;
        if (tpm.DecryptAuth(request.DelAuth, AdipNonce.Even, out Secret delAuth).Failed(out error)) return error;
        pub.VerificationCount = family.VerificationCount;
        var blob = new TpmDelegateOwnerBlob { Pub = pub };
        tpm.SealDelegation(ref blob, delAuth);
        response.Blob = WireFormat.ToBytes(blob);
        return Success;
    }

    /// <summary>Action 6.</summary>
    private static TpmResult IncrementCount(CommandContext tpm, ref TpmFamilyTableEntry family)
    {
        // A count that comes again would make delegations valid that were void.
        if (family.VerificationCount == uint.MaxValue) return FamilyCount;
        family.VerificationCount++;
        tpm.Permanent = tpm.Permanent with { Delegation = tpm.Permanent.Delegation.With(family) };
        tpm.EndDelegatedSessions();
        return Success;
    }
}
