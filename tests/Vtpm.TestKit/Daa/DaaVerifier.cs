using System.Numerics;
using System.Security.Cryptography;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.TestKit.Daa;

/// <summary>A DAA signature (Brickell, Camenisch, Chen, §4.5). c is what the TPM answered at stage 10.</summary>
public sealed record DaaSignature(
    BigInteger T1,
    BigInteger T2,
    BigInteger K,
    byte[] C,
    byte[] Nt,
    BigInteger Sf0,
    BigInteger Sf1,
    BigInteger Sv,
    BigInteger Se,
    BigInteger See,
    BigInteger Sw,
    BigInteger Sew,
    BigInteger Sr,
    BigInteger Ser);

/// <summary>Who is shown signatures, and knows nothing but the issuer's public numbers (§4.6).</summary>
public static class DaaVerifier
{
    /// <summary>Bits of sf0 and sf1: those of f0 and f1, of the statistical hiding, of the challenge, and one.</summary>
    private const int SfBits = 104 + 80 + 160 + 1;

    /// <param name="issuer">Whose certificate it claims.</param>
    /// <param name="signature">The signature.</param>
    /// <param name="nonce">The verifier's own.</param>
    /// <param name="selector">1 for a message of 20 bytes, 0 for an identity key.</param>
    /// <param name="signed">The message, or the modulus of the key.</param>
    public static bool Verify(DaaIssuer issuer, DaaSignature signature, byte[] nonce, byte selector, byte[] signed)
    {
        BigInteger n = issuer.N, h = issuer.H, c = Number(signature.C);
        BigInteger e = signature.Se + (c << 367);
        BigInteger commitment1 = Product(
            n, (issuer.Z, -c), (signature.T1, e), (issuer.R0, signature.Sf0), (issuer.R1, signature.Sf1), (issuer.S, signature.Sv), (h, -signature.Sew));
        BigInteger commitment2 = Product(n, (signature.T2, -c), (issuer.G, signature.Sw), (h, e), (issuer.GPrime, signature.Sr));
        BigInteger commitment3 = Product(n, (signature.T2, -e), (issuer.G, signature.Sew), (h, signature.See), (issuer.GPrime, signature.Ser));
        BigInteger commitmentK = Product(issuer.Gamma, (signature.K, -c), (issuer.Zeta, signature.Sf0 + (signature.Sf1 << 104)));

        byte[] challenge = Challenge(issuer, nonce, [signature.T1, signature.T2, signature.K], [commitment1, commitment2, commitment3, commitmentK]);
        byte[] withNt = SHA1.HashData((byte[])[.. challenge, .. signature.Nt]);
        byte[] expected = SHA1.HashData((byte[])[.. withNt, selector, .. signed]);
        bool isShort = signature.Sf0.GetBitLength() <= SfBits && signature.Sf1.GetBitLength() <= SfBits;
        bool isOfOrder = BigInteger.ModPow(signature.K, issuer.Rho, issuer.Gamma).IsOne;
        return isShort && isOfOrder && expected.AsSpan().SequenceEqual(signature.C);
    }

    /// <summary>What host and verifier hash for the TPM: the issuer's numbers, the verifier's nonce, what is shown and what it is committed to.</summary>
    internal static byte[] Challenge(DaaIssuer issuer, byte[] nonce, BigInteger[] shown, BigInteger[] commitments) => Hash(
        [issuer.N, issuer.G, issuer.GPrime, issuer.H, issuer.R0, issuer.R1, issuer.S, issuer.Z, issuer.Gamma, issuer.Zeta, .. shown, .. commitments], nonce);
}
