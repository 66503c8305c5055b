using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

/// <summary>The public key that a key is to be migrated to, and the owner's authorization of it (TPM_MIGRATIONKEYAUTH, Part 2 §5.12).</summary>
internal static class MigrationDestination
{
    private const uint MinLength = 2048;

    /// <summary>Part 3 §11.3 action 1: as strong as a storage key of the TPM, or stronger.</summary>
    /// <returns>TPM_BAD_KEY_PROPERTY when it is not.</returns>
    public static TpmResult CheckStrength(in TpmPubKey key)
    {
        if (KeyParameters.ReadForeign(key, out TpmRsaKeyParms rsa, out uint exponent).Failed(out TpmResult error)) return error;
        return rsa.KeyLength >= MinLength && exponent == KeyParameters.DefaultExponent ? Success : BadKeyProperty;
    }

    /// <summary>Part 3 §11.3 actions 7 and 8: what only this TPM can make, since tpmProof is in the place of the digest.</summary>
    public static TpmDigest Authorization(CommandContext tpm, TpmMigrationKeyAuth keyAuth)
    {
        keyAuth.Digest = new TpmDigest(tpm.PermanentData.TpmProof.Span);
        return TpmDigest.Of(WireFormat.ToBytes(keyAuth, tpm.Scratch));
    }

    /// <summary>Whether the owner of this TPM has authorized the key for the scheme: it is then strong enough, and for OAEP (Part 3 §11.3).</summary>
    public static bool IsAuthorized(CommandContext tpm, in TpmMigrationKeyAuth keyAuth) =>
        Authorization(tpm, keyAuth).FixedTimeEquals(keyAuth.Digest);

    /// <summary>Encrypts for a key whose strength was checked, now or when it was authorized.</summary>
    public static TpmResult Encrypt(CommandContext tpm, in TpmPubKey key, ReadOnlySpan<byte> plain, out ReadOnlyMemory<byte> outData) =>
        tpm.EncryptBytes(key.PubKey.Key.Span, KeyParameters.DefaultExponent, plain, out outData);
}
