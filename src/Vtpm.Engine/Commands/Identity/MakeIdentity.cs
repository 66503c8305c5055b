using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Identity;

public struct MakeIdentityRequest : IWireStructure<MakeIdentityRequest>
{
    public TpmAuthData IdentityAuth;
    public TpmDigest LabelPrivCADigest;
    public TpmKey IdKeyParams;

    public static void Describe<TCodec>(ref TCodec wire, ref MakeIdentityRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmAuthData.Describe(ref wire, ref value.IdentityAuth);
        TpmDigest.Describe(ref wire, ref value.LabelPrivCADigest);
        wire.Structure(ref value.IdKeyParams);
    }
}

public struct MakeIdentityResponse : IWireStructure<MakeIdentityResponse>
{
    public TpmKey IdKey;

    /// <summary>The identity's signature of its TPM_IDENTITY_CONTENTS.</summary>
    public ReadOnlyMemory<byte> IdentityBinding;

    public static void Describe<TCodec>(ref TCodec wire, ref MakeIdentityResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.IdKey);
        wire.Sized32(ref value.IdentityBinding);
    }
}

/// <summary><c>TPM_MakeIdentity</c>, Part 3 §15.1: generates an attestation identity key under the SRK.</summary>
public sealed class MakeIdentity()
    : TpmCommand<MakeIdentityRequest, MakeIdentityResponse>(
        TpmOrdinal.MakeIdentity, Sessions.One | Sessions.Two, Availability.Owned, Duration.Long, audit: Audit.Default)
{
    private const uint KeyLength = 2048;

    protected override TpmResult Execute(CommandContext tpm, in MakeIdentityRequest request, ref MakeIdentityResponse response)
    {
        TpmKey idKey = request.IdKeyParams;
        if (CheckStrength(tpm, idKey).Failed(out TpmResult error)) return error;
        if (tpm.UseKey(TpmKeyHandle.Srk, out LoadedKey srk).Failed(out error)) return error;
        if (tpm.AuthorizeOwner().Failed(out error)) return error;
        if (CheckUsage(idKey).Failed(out error)) return error;
        // Action 6: the identity's secret comes in the owner's session, which is the last.
        if (tpm.DecryptAuth(tpm.Auths[^1], request.IdentityAuth, AdipNonce.Even, out Secret usageAuth).Failed(out error)) return error;
        foreach (AuthBlock auth in tpm.Auths) auth.Continue = false;
        if (tpm.StampPcrInfo(ref idKey).Failed(out error)) return error;
        TpmRsaKeyPair pair = tpm.GenerateKey(ref idKey);
        if (tpm.WrapKey(srk, ref idKey, pair.Prime, usageAuth, tpm.PermanentData.TpmProof).Failed(out error)) return error;
        response.IdKey = idKey;
        var contents = new TpmIdentityContents { LabelPrivCADigest = request.LabelPrivCADigest, IdentityPubKey = idKey.ToPubKey() };
        return CommandContext.SignStructure(pair.Key, contents, out response.IdentityBinding);
    }

    /// <summary>Action 1.</summary>
    private static TpmResult CheckStrength(CommandContext tpm, in TpmKey key)
    {
        if (KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa).Failed(out TpmResult error)) return error;
        if (rsa.KeyLength != KeyLength || !rsa.Exponent.IsEmpty) return BadKeyProperty;
        return KeyRules.CheckFips(tpm.PermanentFlags, key);
    }

    /// <summary>Actions 4 and 5, and the schemes of Part 2 §5.8.1.</summary>
    private static TpmResult CheckUsage(in TpmKey key)
    {
        if (key.KeyUsage != TpmKeyUsage.Identity) return InvalidKeyUsage;
        if ((key.KeyFlags & (TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority)) != 0) return InvalidKeyUsage;
        return KeyRules.Check(key);
    }
}
