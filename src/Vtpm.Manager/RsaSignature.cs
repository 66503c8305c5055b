using System.Security.Cryptography;

namespace Vtpm.Manager;

/// <summary>Signatures of authorities and identity keys: RSASSA-PKCS1v15, RSA-2048, e = 65537.</summary>
internal static class RsaSignature
{
    private static readonly byte[] Exponent = [1, 0, 1];

    public static bool Verify(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature, HashAlgorithmName hash)
    {
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
