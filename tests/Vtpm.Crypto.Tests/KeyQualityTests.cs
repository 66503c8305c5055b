using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Crypto.Tests;

/// <summary>Generated keys against FIPS 186-4 and what has gone wrong elsewhere; and each check against a key that it is to find.</summary>
public sealed class KeyQualityTests
{
    private const int SampleKeys = 100;

    /// <summary>Chi-squared values that a right generator exceeds once in 10^9 runs, by degrees of freedom.</summary>
    private static readonly Dictionary<int, double> OnceInABillion = new() { [1] = 37.3, [3] = 44.8, [5] = 50.8, [9] = 60.7, [11] = 64.9 };

    private static readonly Lazy<BigInteger[]> Sample = new(() =>
        [.. Enumerable.Range(0, SampleKeys).SelectMany(_ => Factors(new OpenSslRsa().Generate(512)))]);

    [Theory]
    [InlineData(512)]
    [InlineData(528)]
    [InlineData(768)]
    [InlineData(1024)]
    [InlineData(1040)]
    [InlineData(1280)]
    [InlineData(1536)]
    [InlineData(1792)]
    [InlineData(2032)]
    [InlineData(2048)]
    public void Generate_AnyLength_HasNoFault(int bits)
    {
        TpmRsaKeyPair pair = new OpenSslRsa().Generate(bits);
        Assert.Equal((bits / 8, bits / 16, bits / 8), (pair.Modulus.Length, pair.Prime.Length, pair.Key.Size));
        BigInteger[] factors = Factors(pair);
        Assert.Equal([], KeyQuality.Faults(bits, factors[0], factors[1]));
    }

    /// <summary>Keys as guests get them: by TPM_CreateWrapKey, taken out of the slot that TPM_LoadKey2 puts them into.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    public void CreateWrapKey_AnyLength_HasNoFault(int bits)
    {
        var tpm = new TestTpm(rsa: new OpenSslRsa());
        tpm.TakeOwnership();
        uint handle = tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: bits));
        LoadedKey key = tpm.State.Keys.Find(handle)!;
        var n = new BigInteger(1, key.Key.PubKey.Key.ToArray());
        var p = new BigInteger(1, key.Prime.Span.ToArray());
        Assert.Equal(BigInteger.Zero, n.Mod(p));
        Assert.Equal([], KeyQuality.Faults(bits, p, n.Divide(p)));
        foreach (LoadedKey other in new[] { tpm.State.Permanent.Data.EndorsementKey!, tpm.State.Permanent.Data.Srk! })
            Assert.Equal(BigInteger.One, n.Gcd(new BigInteger(1, other.Key.PubKey.Key.ToArray())));
    }

    [Fact]
    public void Generate_ManyKeys_ShareNoFactor()
    {
        Assert.Equal(Sample.Value.Length, Sample.Value.Distinct().Count());
        Assert.Null(KeyQuality.SharedFactor([.. Sample.Value.Chunk(2).Select(factors => factors[0].Multiply(factors[1]))]));
    }

    /// <summary>Primes fall into all residue classes alike.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(13)]
    public void Generate_ManyPrimes_FallIntoAllResidueClasses(int divisor)
    {
        IEnumerable<int> residues = Sample.Value.Select(prime => prime.Mod(BigInteger.ValueOf(divisor)).IntValue - 1);
        Assert.InRange(KeyQuality.ChiSquared(residues, divisor - 1), 0, OnceInABillion.GetValueOrDefault(divisor - 2, 70));
    }

    /// <summary>Behind the topmost two bits, which are set, and before the last, which is, each bit is as often one as zero.</summary>
    [Fact]
    public void Generate_ManyPrimes_HaveNoConstantBits()
    {
        for (int bit = 1; bit < 254; bit++)
            Assert.InRange(KeyQuality.ChiSquared(Sample.Value.Select(prime => prime.TestBit(bit) ? 1 : 0), 2), 0, OnceInABillion[1]);
    }

    /// <summary>From three quarters of the range upwards, which every generator has, a prime is anywhere alike.</summary>
    [Fact]
    public void Generate_ManyPrimes_LieAllOverTheirRange()
    {
        BigInteger[] upper = [.. Sample.Value.Where(prime => prime.TestBit(254))];
        Assert.True(upper.Length > SampleKeys, "too few primes to judge by");
        Assert.InRange(KeyQuality.ChiSquared(upper.Select(prime => prime.ShiftRight(252).IntValue & 3), 4), 0, OnceInABillion[3]);
    }

    /// <summary>The checks can fail: each finds the key that was made for it.</summary>
    [Fact]
    public void Faults_KeysMadeBad_AreFound()
    {
        var random = new SecureRandom();
        BigInteger p = TestKey.NewPrime(256, random), q = TestKey.NewPrime(256, random);
        Assert.Equal([], KeyQuality.Faults(512, p, q));
        Assert.Contains("a factor is not prime", KeyQuality.Faults(512, p, TestKey.NewPrime(128, random).Multiply(TestKey.NewPrime(128, random))));
        Assert.Contains("the primes are too close", KeyQuality.Faults(512, p, p.NextProbablePrime()));
        Assert.Contains("a prime is too small", KeyQuality.Faults(512, p, BigInteger.One.ShiftLeft(255).NextProbablePrime()));
        Assert.Contains("the modulus has 511 bits", KeyQuality.Faults(512, TestKey.NewPrime(255, random), q));
        var e = BigInteger.ValueOf(65537);
        BigInteger multiple = p.Divide(e).Multiply(e).Add(BigInteger.One);
        Assert.Contains("the exponent divides a prime less one", KeyQuality.Faults(512, multiple, q));
    }

    /// <summary>p = k * M + (65537^a mod M), M the product of the first primes: what CVE-2017-15361 was.</summary>
    [Fact]
    public void IsRoca_ModulusOfThatForm_IsFound()
    {
        var random = new SecureRandom();
        BigInteger product = BigInteger.One;
        for (BigInteger prime = BigInteger.Two; prime.IntValue <= 167; prime = prime.NextProbablePrime()) product = product.Multiply(prime);
        BigInteger Power() => BigInteger.ValueOf(65537).ModPow(new BigInteger(60, random), product);
        BigInteger Factor() => new BigInteger(37, random).Multiply(product).Add(Power());
        Assert.True(KeyQuality.IsRoca(Factor().Multiply(Factor())));
        Assert.False(KeyQuality.IsRoca(TestKey.Of(512).N));
    }

    [Fact]
    public void Samples_MadeBad_AreFound()
    {
        BigInteger[] moduli = [TestKey.Of(512).N, TestKey.Of(1024).N, TestKey.Of(512).P.Multiply(TestKey.Of(1024).Q.NextProbablePrime())];
        Assert.Equal((0, 2), KeyQuality.SharedFactor(moduli));
        IEnumerable<int> constant = Enumerable.Repeat(1, 2 * SampleKeys), leftOut = Enumerable.Range(0, 2 * SampleKeys).Select(i => i % 3);
        Assert.True(KeyQuality.ChiSquared(constant, 2) > OnceInABillion[1], "a constant bit is not found");
        Assert.True(KeyQuality.ChiSquared(leftOut, 4) > OnceInABillion[3], "a range that is left out is not found");
    }

    private static BigInteger[] Factors(TpmRsaKeyPair pair)
    {
        using Secret prime = pair.Prime;
        var n = new BigInteger(1, pair.Modulus.ToArray());
        var p = new BigInteger(1, prime.Span.ToArray());
        BigInteger[] division = n.DivideAndRemainder(p);
        Assert.Equal(BigInteger.Zero, division[1]);
        return [p, division[0]];
    }
}
