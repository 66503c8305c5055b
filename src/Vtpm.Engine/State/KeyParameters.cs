using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>Reading TPM_KEY_PARMS (Part 2 §10.1) of RSA keys.</summary>
public static class KeyParameters
{
    public const uint DefaultExponent = 65537;

    /// <summary>The RSA parameters in <paramref name="parms"/>.</summary>
    /// <returns>TPM_BAD_KEY_PROPERTY when they are not of a two-prime RSA key of a length that this TPM has.</returns>
    public static TpmResult ReadRsa(in TpmKeyParms parms, out TpmRsaKeyParms rsa)
    {
        rsa = default;
        if (parms.AlgorithmId != TpmAlgorithmId.Rsa) return TpmResult.BadKeyProperty;
        if (WireFormat.Read(parms.Parms.Span, out rsa) != TpmResult.Success) return TpmResult.BadKeyProperty;
        if (rsa.NumPrimes != 2 || rsa.KeyLength is < 512 or > 2048 || rsa.KeyLength % 16 != 0) return TpmResult.BadKeyProperty;
        return ReadExponent(rsa.Exponent.Span, out _) ? TpmResult.Success : TpmResult.BadKeyProperty;
    }

    public static uint ExponentOf(in TpmKeyParms parms) =>
        ReadRsa(parms, out TpmRsaKeyParms rsa) == TpmResult.Success && ReadExponent(rsa.Exponent.Span, out uint exponent) ? exponent : DefaultExponent;

    /// <summary>RSA parameters of <paramref name="keyLength"/> bits, two primes and the default exponent.</summary>
    public static TpmKeyParms Rsa(uint keyLength, TpmEncScheme encScheme, TpmSigScheme sigScheme) => new()
    {
        AlgorithmId = TpmAlgorithmId.Rsa,
        EncScheme = encScheme,
        SigScheme = sigScheme,
        Parms = WireFormat.ToBytes(new TpmRsaKeyParms { KeyLength = keyLength, NumPrimes = 2 }),
    };

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
