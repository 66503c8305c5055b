using static Vtpm.Crypto.LibCrypto;

namespace Vtpm.Crypto;

/// <summary>The numbers of a private key, from the modulus and one prime.</summary>
internal static class RsaNumbers
{
    /// <summary>Divides the modulus, which is known to be odd, by the prime.</summary>
    /// <returns>A key that has its factors and nothing else, or null when they are not what a key is made of.</returns>
    internal static SafeRsaHandle? Factor(ReadOnlySpan<byte> modulus, uint exponent, ReadOnlySpan<byte> prime)
    {
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber n = BigNumber.FromBytes(modulus);
        using BigNumber p = BigNumber.FromBytes(prime).AsSecret();
        using BigNumber q = BigNumber.CreateSecret();
        using BigNumber remainder = BigNumber.CreateSecret();

        if (p.IsZero) return null;
        Require(BN_div(q.Handle, remainder.Handle, n.Handle, p.Handle, scratch.Handle) == 1, nameof(BN_div));
        if (!remainder.IsZero) return null;

        // Odd they are, as factors of an odd number. Very unequal ones are no TPM's key. Nor are equal ones, for which (p-1)(q-1) is not phi.
        int minBits = modulus.Length * 8 / 4;
        if (p.BitLength < minBits || q.BitLength < minBits || BN_ucmp(p.Handle, q.Handle) == 0) return null;
        if (!ExponentHasInverse(exponent, p) || !ExponentHasInverse(exponent, q)) return null;

        using BigNumber e = BigNumber.FromWord(exponent);
        SafeRsaHandle rsa = SafeRsaHandle.Create();
        Require(RSA_set0_key(rsa, n.ToOwned(), e.ToOwned(), 0) == 1, nameof(RSA_set0_key));
        Require(RSA_set0_factors(rsa, p.ToOwned(), q.ToOwned()) == 1, nameof(RSA_set0_factors));
        return rsa;
    }

    /// <summary>Works out the rest: the private exponent, its residues, and the inverse of one prime modulo the other.</summary>
    /// <returns>False when there is no such inverse, so that the factors are not two primes.</returns>
    internal static bool Complete(SafeRsaHandle rsa, uint exponent)
    {
        nint p = RSA_get0_p(rsa);
        nint q = RSA_get0_q(rsa);
        using BigNumberScratch scratch = BigNumberScratch.Create();
        using BigNumber pMinus1 = BigNumber.SecretPredecessorOf(p);
        using BigNumber qMinus1 = BigNumber.SecretPredecessorOf(q);
        using BigNumber d = BigNumber.CreateSecret();
        using BigNumber dp = BigNumber.CreateSecret();
        using BigNumber dq = BigNumber.CreateSecret();
        using BigNumber qInverse = BigNumber.CreateSecret();

        if (BN_mod_inverse(qInverse.Handle, q, p, scratch.Handle) == 0)
        {
            ERR_clear_error();
            return false;
        }

        Require(BN_mul(d.Handle, pMinus1.Handle, qMinus1.Handle, scratch.Handle) == 1, nameof(BN_mul));
        InvertExponent(d, exponent);
        Require(BN_div(0, dp.Handle, d.Handle, pMinus1.Handle, scratch.Handle) == 1, nameof(BN_div));
        Require(BN_div(0, dq.Handle, d.Handle, qMinus1.Handle, scratch.Handle) == 1, nameof(BN_div));

        Require(RSA_set0_key(rsa, 0, 0, d.ToOwned()) == 1, nameof(RSA_set0_key));
        Require(RSA_set0_crt_params(rsa, dp.ToOwned(), dq.ToOwned(), qInverse.ToOwned()) == 1, nameof(RSA_set0_crt_params));
        return true;
    }

    /// <summary>
    /// Replaces phi by the inverse of e modulo phi. For an e of one word no inversion of long numbers is needed: the inverse is (1 + k phi) / e,
    /// with the k below e that makes the division exact.
    /// </summary>
    private static void InvertExponent(in BigNumber number, uint e)
    {
        ulong k = e - Inverse(Residue(number, e), e);
        Require(BN_mul_word(number.Handle, k) == 1, nameof(BN_mul_word));
        Require(BN_add_word(number.Handle, 1) == 1, nameof(BN_add_word));
        Require(BN_div_word(number.Handle, e) == 0, nameof(BN_div_word));
    }

    private static bool ExponentHasInverse(uint e, in BigNumber prime) => Inverse((Residue(prime, e) + e - 1) % e, e) != 0;

    private static ulong Residue(in BigNumber number, uint modulus)
    {
        ulong residue = BN_mod_word(number.Handle, modulus);
        Require(residue < modulus, nameof(BN_mod_word));
        return residue;
    }

    /// <summary>The inverse of a residue by Euclid's extended algorithm, or zero when there is none.</summary>
    private static ulong Inverse(ulong residue, uint modulus)
    {
        long a = (long)residue, b = modulus, x = 1, y = 0;
        while (a > 1)
        {
            (long quotient, long rest) = Math.DivRem(b, a);
            (b, a) = (a, rest);
            (y, x) = (x, y - (quotient * x));
        }

        if (a == 0) return 0;
        return (ulong)(x < 0 ? x + modulus : x);
    }
}
