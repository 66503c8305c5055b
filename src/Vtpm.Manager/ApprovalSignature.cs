using System.Security.Cryptography;

namespace Vtpm.Manager;

/// <summary>The signatures of a group's authority: RSASSA-PKCS1v15 with SHA-1, RSA-2048, e = 65537.</summary>
internal static class ApprovalSignature
{
    private static readonly byte[] Exponent = [1, 0, 1];

    public static bool Verify(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        try
        {
            using RSA key = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = Exponent });
            return key.VerifyData(signed, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;   // Numbers that are no key sign nothing.
        }
    }
}
