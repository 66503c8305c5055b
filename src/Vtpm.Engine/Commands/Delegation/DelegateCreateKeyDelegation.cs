using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateCreateKeyDelegationRequest : IWireStructure<DelegateCreateKeyDelegationRequest>
{
    public uint KeyHandle;
    public TpmDelegatePublic PublicInfo;

    /// <summary>The secret of the delegation, encrypted by ADIP.</summary>
    public TpmAuthData DelAuth;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateCreateKeyDelegationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.Structure(ref value.PublicInfo);
        TpmAuthData.Describe(ref wire, ref value.DelAuth);
    }
}

public struct DelegateBlobResponse : IWireStructure<DelegateBlobResponse>
{
    /// <summary>A TPM_DELEGATE_KEY_BLOB or a TPM_DELEGATE_OWNER_BLOB.</summary>
    public ReadOnlyMemory<byte> Blob;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateBlobResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.Blob);
}

/// <summary><c>TPM_Delegate_CreateKeyDelegation</c>, Part 3 §19.2: delegates what a key may be used for, in a blob for TPM_DSAP.</summary>
public sealed class DelegateCreateKeyDelegation()
    : TpmCommand<DelegateCreateKeyDelegationRequest, DelegateBlobResponse>(
        TpmOrdinal.DelegateCreateKeyDelegation, Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in DelegateCreateKeyDelegationRequest request, ref DelegateBlobResponse response)
    {
        // The command is no use of the key: what binds the key to PCRs or a locality does not matter (description 1).
        if (tpm.FindKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (tpm.AuthorizeKey(key).Failed(out error)) return error;
        TpmDelegatePublic pub = request.PublicInfo;
        if (!tpm.Permanent.Delegation.TryFindFamily(pub.FamilyId, out TpmFamilyTableEntry family)) return BadIndex;
        AuthSession session = tpm.Auths[0].Session;
        if (DelegatePermissions.CheckGrant(session.Delegation, pub).Failed(out error)) return error;
        if (DelegatePermissions.CheckPublic(pub, TpmDelegateType.KeyBits).Failed(out error)) return error;
        if (session.Protocol == TpmProtocolId.Oiap) return InvalidAuthHandle;
        if (tpm.DecryptAuth(request.DelAuth, AdipNonce.Even, out Secret delAuth).Failed(out error)) return error;
        pub.VerificationCount = family.VerificationCount;
        var blob = new TpmDelegateKeyBlob { Pub = pub, PubKeyDigest = WireFormat.Digest(key.Key.PubKey) };
        tpm.SealDelegation(ref blob, delAuth);
        response.Blob = WireFormat.ToBytes(blob);
        return Success;
    }
}
