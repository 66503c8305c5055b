using Vtpm.Engine.Commands.Storage;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkCreateKeyRequest : IWireStructure<CmkCreateKeyRequest>
{
    public uint ParentHandle;
    public TpmAuthData DataUsageAuth;
    public TpmKey KeyInfo;

    /// <summary>What TPM_CMK_ApproveMA has answered.</summary>
    public TpmDigest MigrationAuthorityApproval;

    /// <summary>The digest of a TPM_MSA_COMPOSITE.</summary>
    public TpmDigest MigrationAuthorityDigest;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkCreateKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        TpmAuthData.Describe(ref wire, ref value.DataUsageAuth);
        wire.Structure(ref value.KeyInfo);
        TpmDigest.Describe(ref wire, ref value.MigrationAuthorityApproval);
        TpmDigest.Describe(ref wire, ref value.MigrationAuthorityDigest);
    }
}

/// <summary><c>TPM_CMK_CreateKey</c>, Part 3 §11.7: a key that can migrate only as one of its authorities allows.</summary>
public sealed class CmkCreateKey()
    : TpmCommand<CmkCreateKeyRequest, CreateWrapKeyResponse>(
        TpmOrdinal.CmkCreateKey, Sessions.One, Availability.Owned, Duration.Long, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkCreateKeyRequest request, ref CreateWrapKeyResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        // Actions 2, 14 and 15: only a session with a shared secret can have carried the new one, and it ends.
        if (tpm.DecryptAuth(request.DataUsageAuth, AdipNonce.Even, out Secret usageAuth).Failed(out error)) return error;
        if (Check(tpm, parent, request).Failed(out error)) return error;
        TpmKey key = request.KeyInfo;
        if (tpm.StampPcrInfo(ref key).Failed(out error)) return error;
        TpmRsaKeyPair pair = tpm.GenerateKey(ref key);
        TpmDigest m2 = CmkTicket.MigrationAuth(tpm, request.MigrationAuthorityDigest, WireFormat.Digest(key.ToPubKey()));
        Secret migrationAuth = tpm.Scratch.Keep(new Secret(m2.ReadOnlySpan));
        error = tpm.WrapKey(parent, ref key, pair.Prime, usageAuth, migrationAuth, TpmPayloadType.MigrateRestricted);
        response.WrappedKey = key;
        return error;
    }

    /// <summary>Actions 3 to 12.</summary>
    private static TpmResult Check(CommandContext tpm, LoadedKey parent, in CmkCreateKeyRequest request)
    {
        if (parent.Usage != TpmKeyUsage.Storage || parent.IsMigratable) return InvalidKeyUsage;
        const TpmKeyFlags Needed = TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority;
        if ((request.KeyInfo.KeyFlags & Needed) != Needed) return InvalidKeyUsage;
        if (!CmkTicket.Approval(tpm, request.MigrationAuthorityDigest).FixedTimeEquals(request.MigrationAuthorityApproval)) return MAAuthority;
        if (CreateWrapKey.CheckKeyInfo(tpm, request.KeyInfo).Failed(out TpmResult error)) return error;
        return request.KeyInfo.IsKey12 ? Success : InvalidStructure;
    }
}
