using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;

namespace Vtpm.Crypto.Tests;

/// <summary>What makes a key pair a good one, by BouncyCastle's arithmetic: each check names what it finds.</summary>
internal static class KeyQuality
{
    /// <summary>Primes modulo which 65537 does not generate everything: a random modulus is a power of it for few of them, one of ROCA for all.</summary>
    private static readonly int[] RocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

    private static readonly BigInteger E = BigInteger.ValueOf(65537);
    private static readonly SecureRandom Random = new();

    /// <summary>FIPS 186-4 appendix B.3.1 and B.3.3.</summary>
    /// <returns>Everything that is not so.</returns>
    public static IEnumerable<string> Faults(int bits, BigInteger p, BigInteger q)
    {
        BigInteger n = p.Multiply(q);
        if (n.BitLength != bits) yield return $"the modulus has {n.BitLength} bits";
        foreach (BigInteger factor in new[] { p, q })
        {
            if (!factor.RabinMillerTest(64, Random)) yield return "a factor is not prime";
            if (!factor.Subtract(BigInteger.One).Gcd(E).Equals(BigInteger.One)) yield return "the exponent divides a prime less one";
            // At least the square root of two times 2^(bits/2 - 1), compared by squares.
            if (factor.Square().CompareTo(BigInteger.Two.ShiftLeft(bits - 2)) < 0) yield return "a prime is too small";
            if (factor.BitLength != bits / 2) yield return $"a prime has {factor.BitLength} bits";
        }

        if (p.Subtract(q).Abs().CompareTo(BigInteger.One.ShiftLeft(bits / 2 - 100)) <= 0) yield return "the primes are too close";
        BigInteger p1 = p.Subtract(BigInteger.One), q1 = q.Subtract(BigInteger.One);
        BigInteger lcm = p1.Multiply(q1).Divide(p1.Gcd(q1));
        if (E.Gcd(lcm).Equals(BigInteger.One) && E.ModInverse(lcm).CompareTo(BigInteger.One.ShiftLeft(bits / 2)) <= 0)
            yield return "the private exponent is too small";
        if (IsRoca(n)) yield return "the modulus has the form of ROCA (CVE-2017-15361)";
    }

    /// <summary>Whether the modulus is a power of 65537 modulo each of the primes: a random one is with a probability of 2^-27.</summary>
    public static bool IsRoca(BigInteger n) => Array.TrueForAll(RocaPrimes, prime =>
    {
        int residue = n.Mod(BigInteger.ValueOf(prime)).IntValue;
        int power = 1;
        do
        {
            if (power == residue) return true;
            power = power * (65537 % prime) % prime;
        }
        while (power != 1);
        return false;
    });

    /// <summary>Two of the numbers that have a factor in common.</summary>
    public static (int First, int Second)? SharedFactor(IReadOnlyList<BigInteger> moduli)
    {
        for (int i = 0; i < moduli.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!moduli[i].Gcd(moduli[j]).Equals(BigInteger.One)) return (j, i);
            }
        }

        return null;
    }

    /// <summary>
    /// The chi-squared statistic of how often each value of 0 to <paramref name="classes"/> - 1 occurs, against all of them alike.
    /// </summary>
    public static double ChiSquared(IEnumerable<int> values, int classes)
    {
        var counts = new int[classes];
        int total = 0;
        foreach (int value in values)
        {
            counts[value]++;
            total++;
        }

        double expected = (double)total / classes;
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
    }
}
