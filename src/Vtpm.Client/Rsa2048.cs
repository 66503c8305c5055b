using System.Security.Cryptography;

namespace Vtpm.Client;

/// <summary>RSA-2048 with e = 65537 and RSASSA-PKCS1v15, as identity keys and authorities sign; their public keys are a modulus alone.</summary>
public static class Rsa2048
{
    /// <summary>Of a modulus and of a signature, in bytes.</summary>
    public const int Size = 256;

    private static readonly byte[] Exponent = [1, 0, 1];

    /// <summary>Whether those bytes can be a modulus.</summary>
    public static bool IsModulus(ReadOnlySpan<byte> bytes) => bytes is { Length: Size } and [>= 0x80, ..] && bytes[^1] % 2 == 1;

    /// <summary>Whether the key with that modulus has signed.</summary>
    public static bool Verify(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
        if (!IsModulus(modulus) || signature.Length != Size) return false;
        try
        {
            using RSA key = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = Exponent });
            return key.VerifyData(signed, signature, hash, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;   // Numbers that are no key sign nothing.
        }
    }
}
