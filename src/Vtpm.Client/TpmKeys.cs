using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>Templates of the keys that a TPM makes: everything of a <see cref="TpmKey"/> but what the TPM fills in.</summary>
public static class TpmKeys
{
    public const int KeyBits = 2048;

    /// <summary>The parameters of an endorsement key (Part 3 §14.1): RSA-2048 for OAEP, without signature scheme.</summary>
    public static TpmKeyParms EndorsementKey => Rsa(TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None);

    /// <summary>What TPM_TakeOwnership wants (Part 3 §6.1): RSA-2048, OAEP, authorization always.</summary>
    public static TpmKey StorageRootKey => Storage(TpmKeyFlags.None);

    public static TpmKey Storage(TpmKeyFlags flags) => Of(TpmKeyUsage.Storage, flags, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None);

    public static TpmKey Signing(TpmKeyFlags flags) => Of(TpmKeyUsage.Signing, flags, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1);

    /// <summary>
    /// An attestation identity key, as TPM_MakeIdentity (Part 3 §15.1) wants it and as Xen's manager has it: a TPM_KEY, not a TPM_KEY12.
    /// </summary>
    public static TpmKey Identity => Of(TpmKeyUsage.Identity, TpmKeyFlags.None, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1);

    private static TpmKey Of(TpmKeyUsage usage, TpmKeyFlags flags, TpmEncScheme encScheme, TpmSigScheme sigScheme) => new()
    {
        Ver = TpmKey.Version11,
        KeyUsage = usage,
        KeyFlags = flags,
        AuthDataUsage = TpmAuthDataUsage.Always,
        AlgorithmParms = Rsa(encScheme, sigScheme),
    };

    private static TpmKeyParms Rsa(TpmEncScheme encScheme, TpmSigScheme sigScheme) => new()
    {
        AlgorithmId = TpmAlgorithmId.Rsa,
        EncScheme = encScheme,
        SigScheme = sigScheme,
        Parms = WireFormat.ToBytes(new TpmRsaKeyParms { KeyLength = KeyBits, NumPrimes = 2 }),
    };
}
