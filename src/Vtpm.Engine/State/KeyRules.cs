using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Which schemes and lengths go with which use of a key: Part 2 §5.8.1, and the actions that TPM_CreateWrapKey and TPM_LoadKey2 share.</summary>
public static class KeyRules
{
    /// <summary>Every flag that Part 2 §5.10 defines; any other must be refused.</summary>
    private const TpmKeyFlags DefinedFlags =
        TpmKeyFlags.Redirection | TpmKeyFlags.Migratable | TpmKeyFlags.IsVolatile | TpmKeyFlags.PcrIgnoredOnRead | TpmKeyFlags.MigrateAuthority;

    /// <summary>Checks the flags, the algorithm, the length and the mix of schemes of a key's parameters.</summary>
    /// <returns>
    /// TPM_INVALID_KEYUSAGE for a usage, a flag or an authDataUsage that does not exist; TPM_BAD_KEY_PROPERTY for an algorithm or length that this TPM or
    /// the usage does not have; TPM_INAPPROPRIATE_ENC or _SIG for a scheme.
    /// </returns>
    public static TpmResult Check(in TpmKey key)
    {
        if ((key.KeyFlags & ~DefinedFlags) != 0 || !Enum.IsDefined(key.AuthDataUsage)) return TpmResult.InvalidKeyUsage;
        if (KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa).Failed(out TpmResult error)) return error;
        TpmKeyParms parms = key.AlgorithmParms;
        bool isFixed = key.KeyUsage is TpmKeyUsage.Storage or TpmKeyUsage.Migrate or TpmKeyUsage.Identity;
        if (isFixed && (rsa.KeyLength != 2048 || !rsa.Exponent.IsEmpty)) return TpmResult.BadKeyProperty;
        return key.KeyUsage switch
        {
            TpmKeyUsage.Storage or TpmKeyUsage.Migrate => CheckSchemes(parms.EncScheme == TpmEncScheme.RsaesOaepSha1Mgf1, parms.SigScheme == TpmSigScheme.None),
            TpmKeyUsage.Identity => CheckSchemes(parms.EncScheme == TpmEncScheme.None, parms.SigScheme == TpmSigScheme.RsaSsaPkcs1V15Sha1),
            TpmKeyUsage.Signing => CheckSchemes(parms.EncScheme == TpmEncScheme.None, IsSignature(parms.SigScheme)),
            TpmKeyUsage.Bind => CheckSchemes(IsEncryption(parms.EncScheme), parms.SigScheme == TpmSigScheme.None),
            // The table has no _INFO for a legacy key.
            TpmKeyUsage.Legacy => CheckSchemes(
                IsEncryption(parms.EncScheme), IsSignature(parms.SigScheme) && parms.SigScheme != TpmSigScheme.RsaSsaPkcs1V15Info),
            TpmKeyUsage.AuthChange => CheckSchemes(parms.EncScheme == TpmEncScheme.RsaesOaepSha1Mgf1, parms.SigScheme == TpmSigScheme.None),
            _ => TpmResult.InvalidKeyUsage,
        };
    }

    /// <summary>What a TPM in FIPS mode refuses (Part 3 §10.4 action 7, §10.5 action 7f).</summary>
    public static TpmResult CheckFips(in TpmPermanentFlags flags, in TpmKey key)
    {
        if (!flags.Fips) return TpmResult.Success;
        bool isShort = KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa) == TpmResult.Success && rsa.KeyLength < 1024;
        return isShort || key.AuthDataUsage == TpmAuthDataUsage.Never || key.KeyUsage == TpmKeyUsage.Legacy ? TpmResult.NotFips : TpmResult.Success;
    }

    private static TpmResult CheckSchemes(bool encryption, bool signature) =>
        !encryption ? TpmResult.InappropriateEnc : !signature ? TpmResult.InappropriateSig : TpmResult.Success;

    private static bool IsEncryption(TpmEncScheme scheme) => scheme is TpmEncScheme.RsaesPkcsV15 or TpmEncScheme.RsaesOaepSha1Mgf1;

    private static bool IsSignature(TpmSigScheme scheme) =>
        scheme is TpmSigScheme.RsaSsaPkcs1V15Sha1 or TpmSigScheme.RsaSsaPkcs1V15Der or TpmSigScheme.RsaSsaPkcs1V15Info;
}
