using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

public struct TakeOwnershipRequest : IWireStructure<TakeOwnershipRequest>
{
    public TpmProtocolId ProtocolId;
    public ReadOnlyMemory<byte> EncOwnerAuth;
    public ReadOnlyMemory<byte> EncSrkAuth;
    public TpmKey SrkParams;

    public static void Describe<TCodec>(ref TCodec wire, ref TakeOwnershipRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.ProtocolId);
        wire.Sized32(ref value.EncOwnerAuth);
        wire.Sized32(ref value.EncSrkAuth);
        wire.Structure(ref value.SrkParams);
    }
}

public struct TakeOwnershipResponse : IWireStructure<TakeOwnershipResponse>
{
    public TpmKey SrkPub;

    public static void Describe<TCodec>(ref TCodec wire, ref TakeOwnershipResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.SrkPub);
}

/// <summary><c>TPM_TakeOwnership</c>, Part 3 §6.1: installs an owner, and makes the storage root key.</summary>
public sealed class TakeOwnership()
    : TpmCommand<TakeOwnershipRequest, TakeOwnershipResponse>(
        TpmOrdinal.TakeOwnership, Sessions.One, Availability.NoOwner | Availability.Deactivated, Duration.Long, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in TakeOwnershipRequest request, ref TakeOwnershipResponse response)
    {
        if (tpm.HasOwner) return OwnerSet;
        if (!tpm.PermanentFlags.Ownership) return InstallDisabled;
        if (tpm.PermanentData.EndorsementKey is not { } endorsementKey) return NoEndorsement;
        if (tpm.Auths[0].Session.Protocol != TpmProtocolId.Oiap) return AuthFail;
        if (request.ProtocolId != TpmProtocolId.Owner) return BadParameter;
        if (DecryptSecret(tpm, endorsementKey, request.EncOwnerAuth, out Secret ownerAuth).Failed(out TpmResult error)) return error;
        if (tpm.AuthorizeNew(ownerAuth).Failed(out error)) return error;
        if (CheckSrk(tpm, request.SrkParams).Failed(out error)) return error;
        if (DecryptSecret(tpm, endorsementKey, request.EncSrkAuth, out Secret srkAuth).Failed(out error)) return error;
        Secret tpmProof = tpm.NewSecret();
        if (GenerateSrk(tpm, request.SrkParams, srkAuth, tpmProof, out LoadedKey srk).Failed(out error)) return error;
        tpm.PermanentData = tpm.PermanentData with
        {
            Srk = srk,
            OwnerAuth = ownerAuth,
            ContextKey = tpm.NewSecret(16),
            DelegateKey = tpm.NewSecret(16),
            TpmProof = tpmProof,
        };
        response.SrkPub = srk.Key;
        tpm.PermanentFlags = tpm.PermanentFlags with { ReadPubek = false };
        return Success;
    }

    /// <summary>Actions 6 and 10: a secret that was encrypted with the public endorsement key.</summary>
    private static TpmResult DecryptSecret(CommandContext tpm, LoadedKey endorsementKey, ReadOnlyMemory<byte> encAuth, out Secret secret)
    {
        secret = null!;
        if (tpm.DecryptBytes(endorsementKey, encAuth, out ReadOnlyMemory<byte> plain).Failed(out TpmResult error)) return error;
        if (plain.Length != TpmAuthData.Size) return BadKeyProperty;
        secret = new Secret(plain.Span);
        return Success;
    }

    /// <summary>Action 8: what an SRK must be, also one that comes by maintenance.</summary>
    internal static TpmResult CheckSrk(CommandContext tpm, in TpmKey srk)
    {
        if (srk.KeyUsage != TpmKeyUsage.Storage || srk.KeyFlags.HasFlag(TpmKeyFlags.Migratable)) return InvalidKeyUsage;
        // What is left of the action is what any storage key must be.
        if (KeyRules.Check(srk).Failed(out TpmResult error)) return error;
        return tpm.PermanentFlags.Fips && srk.AuthDataUsage == TpmAuthDataUsage.Never ? NotFips : Success;
    }

    /// <summary>Actions 9 and 10c.</summary>
    private static TpmResult GenerateSrk(CommandContext tpm, TpmKey key, Secret srkAuth, Secret tpmProof, out LoadedKey srk)
    {
        srk = null!;
        if (tpm.StampPcrInfo(ref key).Failed(out TpmResult error)) return error;
        if (PcrBinding.Read(key.PcrInfo, key.IsKey12, out PcrBinding binding).Failed(out error)) return error;
        TpmRsaKeyPair pair = tpm.GenerateKey(ref key);
        key.EncData = default;
        srk = new LoadedKey
        {
            Handle = TpmKeyHandle.Srk,
            Key = key,
            UsageAuth = srkAuth,
            MigrationAuth = tpmProof,
            Payload = TpmPayloadType.Asym,
            Prime = pair.Prime,
            Rsa = pair.Key,
            PubDataDigest = key.PubDataDigest(),
            Binding = binding,
        };
        return Success;
    }
}
