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
    /// TPM_BAD_KEY_PROPERTY for anything that this TPM does not have, or that does not go with the usage (Part 3 §10.4 action 3, §10.5 action 3).
    /// </returns>
    public static TpmResult Check(in TpmKey key)
    {
        if ((key.KeyFlags & ~DefinedFlags) != 0 || !Enum.IsDefined(key.AuthDataUsage)) return TpmResult.BadKeyProperty;
        if (KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa).Failed(out TpmResult error)) return error;
        bool isFixed = key.KeyUsage is TpmKeyUsage.Storage or TpmKeyUsage.Migrate or TpmKeyUsage.Identity;
        if (isFixed && (rsa.KeyLength != 2048 || !rsa.Exponent.IsEmpty)) return TpmResult.BadKeyProperty;
        return AllowsSchemes(key.KeyUsage, key.AlgorithmParms.EncScheme, key.AlgorithmParms.SigScheme) ? TpmResult.Success : TpmResult.BadKeyProperty;
    }

    /// <summary>What a TPM in FIPS mode refuses (Part 3 §10.4 action 7, §10.5 action 7f).</summary>
    public static TpmResult CheckFips(in TpmPermanentFlags flags, in TpmKey key)
    {
        if (!flags.Fips) return TpmResult.Success;
        bool isShort = KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa) == TpmResult.Success && rsa.KeyLength < 1024;
        // An ephemeral key has no secret, and needs none: it decrypts for one command, and answers nothing of what it finds (Part 3 §27.4.1).
        bool isOpen = key.AuthDataUsage == TpmAuthDataUsage.Never && key.KeyUsage != TpmKeyUsage.AuthChange;
        return isShort || isOpen || key.KeyUsage == TpmKeyUsage.Legacy ? TpmResult.NotFips : TpmResult.Success;
    }

    /// <summary>The table of Part 2 §5.8.1. It has no _INFO for a legacy key.</summary>
    private static bool AllowsSchemes(TpmKeyUsage usage, TpmEncScheme enc, TpmSigScheme sig) => usage switch
    {
        TpmKeyUsage.Signing => enc == TpmEncScheme.None && (IsBareSignature(sig) || sig == TpmSigScheme.RsaSsaPkcs1V15Info),
        TpmKeyUsage.Storage or TpmKeyUsage.Migrate or TpmKeyUsage.AuthChange => enc == TpmEncScheme.RsaesOaepSha1Mgf1 && sig == TpmSigScheme.None,
        TpmKeyUsage.Identity => enc == TpmEncScheme.None && sig == TpmSigScheme.RsaSsaPkcs1V15Sha1,
        TpmKeyUsage.Bind => IsEncryption(enc) && sig == TpmSigScheme.None,
        TpmKeyUsage.Legacy => IsEncryption(enc) && IsBareSignature(sig),
        _ => false,
    };

    private static bool IsEncryption(TpmEncScheme scheme) => scheme is TpmEncScheme.RsaesPkcsV15 or TpmEncScheme.RsaesOaepSha1Mgf1;

    private static bool IsBareSignature(TpmSigScheme scheme) => scheme is TpmSigScheme.RsaSsaPkcs1V15Sha1 or TpmSigScheme.RsaSsaPkcs1V15Der;
}
