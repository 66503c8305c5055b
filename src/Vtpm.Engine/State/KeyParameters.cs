using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Reading TPM_KEY_PARMS (Part 2 §10.1) of RSA keys.</summary>
public static class KeyParameters
{
    public const uint DefaultExponent = 65537;

    private const uint MinLength = 512;
    private const uint MaxLength = 2048;

    /// <summary>What others have may be longer: an authority or a destination of a migration.</summary>
    private const uint MaxForeignLength = 4096;

    /// <summary>The RSA parameters in <paramref name="parms"/>.</summary>
    /// <returns>TPM_BAD_KEY_PROPERTY when they are not of a two-prime RSA key of a length that this TPM has.</returns>
    public static TpmResult ReadRsa(in TpmKeyParms parms, out TpmRsaKeyParms rsa) => ReadRsa(parms, MaxLength, out rsa, out _);

    /// <summary>The parameters of a public key that need not be this TPM's, of up to 4096 bits, and its exponent.</summary>
    /// <returns>TPM_BAD_KEY_PROPERTY when they are not of a two-prime RSA key, or the modulus is shorter or longer than they say.</returns>
    public static TpmResult ReadForeign(in TpmPubKey key, out TpmRsaKeyParms rsa, out uint exponent)
    {
        if (ReadRsa(key.AlgorithmParms, MaxForeignLength, out rsa, out exponent).Failed(out TpmResult error)) return error;
        return FillsLength(key.PubKey, rsa) ? TpmResult.Success : TpmResult.BadKeyProperty;
    }

    /// <summary>Whether a modulus has the length that the parameters say, which is what rules go by: a shorter one would get round them.</summary>
    public static bool FillsLength(in TpmStorePubKey modulus, in TpmRsaKeyParms rsa) =>
        modulus.Key.Length == (int)rsa.KeyLength / 8 && modulus.Key.Span[0] >= 0x80;

    public static uint ExponentOf(in TpmKeyParms parms) =>
        ReadRsa(parms, MaxLength, out _, out uint exponent) == TpmResult.Success ? exponent : DefaultExponent;

    /// <summary>RSA parameters of <paramref name="keyLength"/> bits, two primes and the default exponent.</summary>
    public static TpmKeyParms Rsa(uint keyLength, TpmEncScheme encScheme, TpmSigScheme sigScheme) => new()
    {
        AlgorithmId = TpmAlgorithmId.Rsa,
        EncScheme = encScheme,
        SigScheme = sigScheme,
        Parms = WireFormat.ToBytes(new TpmRsaKeyParms { KeyLength = keyLength, NumPrimes = 2 }),
    };

    private static TpmResult ReadRsa(in TpmKeyParms parms, uint maxLength, out TpmRsaKeyParms rsa, out uint exponent)
    {
        rsa = default;
        exponent = DefaultExponent;
        if (parms.AlgorithmId != TpmAlgorithmId.Rsa) return TpmResult.BadKeyProperty;
        if (WireFormat.Read(parms.Parms.Span, out rsa) != TpmResult.Success) return TpmResult.BadKeyProperty;
        if (rsa.NumPrimes != 2 || rsa.KeyLength < MinLength || rsa.KeyLength > maxLength || rsa.KeyLength % 16 != 0) return TpmResult.BadKeyProperty;
        return ReadExponent(rsa.Exponent.Span, out exponent) ? TpmResult.Success : TpmResult.BadKeyProperty;
    }

    private static bool ReadExponent(ReadOnlySpan<byte> bytes, out uint exponent)
    {
        exponent = DefaultExponent;
        if (bytes.IsEmpty) return true;
        bytes = bytes.TrimStart((byte)0);
        if (bytes.Length > sizeof(uint)) return false;
        exponent = 0;
        foreach (byte b in bytes) exponent = exponent << 8 | b;
        return exponent >= 3 && exponent % 2 == 1;
    }
}
