using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaImportTests
{
    private readonly OpenSslRsa _rsa = new();
    private readonly TestKey _key = TestKey.Of(1024);
    private readonly SecureRandom _random = new();

    [Fact]
    public void Import_EitherPrime_MakesTheSameKey()
    {
        byte[] input = _key.Pad(BigInteger.ValueOf(987654321)), first = new byte[128], second = new byte[128];
        Assert.True(_rsa.Import(_key.Modulus, 65537, _key.P.ToByteArrayUnsigned())!.PrivateOperation(input, first));
        Assert.True(_rsa.Import(_key.Modulus, 65537, _key.Q.ToByteArrayUnsigned())!.PrivateOperation(input, second));
        Assert.Equal(first, second);
    }

    [Fact]
    public void Import_PrimeWithLeadingZeros_IsAccepted() =>
        Assert.NotNull(_rsa.Import(_key.Modulus, 65537, TestKey.Pad(_key.P, 128)));

    [Fact]
    public void Import_NumbersThatAreNoFactor_ReturnsNull()
    {
        BigInteger one = BigInteger.One;
        BigInteger[] wrong =
        [
            BigInteger.Zero, one, BigInteger.Two, BigInteger.Three,
            _key.P.Add(one), _key.P.Subtract(one), _key.P.Add(BigInteger.Two), _key.P.ShiftLeft(1), _key.P.ShiftRight(1),
            _key.N, _key.N.Subtract(one), TestKey.NewPrime(512, _random),
        ];
        Assert.All(wrong, prime => Assert.Null(_rsa.Import(_key.Modulus, 65537, prime.ToByteArrayUnsigned())));
        Assert.Null(_rsa.Import(_key.Modulus, 65537, []));
        Assert.Null(_rsa.Import(_key.Modulus, 65537, new byte[64]));
        Assert.Null(_rsa.Import(_key.Modulus, 65537, new byte[129]));
        Assert.Equal(0ul, LibCrypto.ERR_get_error());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(65536)]
    public void Import_ExponentEvenOrBelowThree_ReturnsNull(uint exponent) => Assert.Null(_rsa.Import(_key.Modulus, exponent, _key.Prime));

    [Fact]
    public void Import_ExponentWithoutInverse_ReturnsNull()
    {
        // 3 divides p - 1 in one key and q - 1 in the other.
        TestKey key = KeyWhosePrimeIsOneModulo(3);
        Assert.Null(_rsa.Import(key.Modulus, 3, key.P.ToByteArrayUnsigned()));
        Assert.Null(_rsa.Import(key.Modulus, 3, key.Q.ToByteArrayUnsigned()));
        Assert.Null(_rsa.Import(key.Modulus, 3 * 65537, key.Prime));
        Assert.NotNull(_rsa.Import(key.Modulus, 65537, key.Prime));
    }

    [Fact]
    public void Import_SmallFactor_ReturnsNull()
    {
        foreach (int bits in new[] { 2, 17, 64, 255 })
        {
            TestKey key = TestKey.FromFactors(BigInteger.ProbablePrime(bits, _random), TestKey.NewPrime(1024 - bits, _random), exponent: 65539);
            Assert.Null(_rsa.Import(key.Modulus, key.Exponent, key.P.ToByteArrayUnsigned()));
            Assert.Null(_rsa.Import(key.Modulus, key.Exponent, key.Q.ToByteArrayUnsigned()));
        }
    }

    [Fact]
    public void Import_FactorsOfUnequalLength_MakesAKeyThatWorks()
    {
        TestKey key = TestKey.FromFactors(TestKey.NewPrime(400, _random), TestKey.NewPrime(624, _random));
        foreach (BigInteger prime in new[] { key.P, key.Q })
        {
            byte[] output = new byte[key.Size];
            Assert.True(_rsa.Import(key.Modulus, 65537, prime.ToByteArrayUnsigned())!.PrivateOperation(key.Pad(BigInteger.Three), output));
            Assert.Equal(key.Pad(BigInteger.Three.ModPow(key.D, key.N)), output);
        }
    }

    [Fact]
    public void Import_SquareOfAPrime_ReturnsNull()
    {
        TestKey key = TestKey.FromFactors(_key.P, _key.P);
        Assert.Null(_rsa.Import(key.Modulus, 65537, key.Prime));
    }

    [Fact]
    public void Import_ModulusUnusable_ReturnsNull()
    {
        byte[] even = [.. _key.Modulus];
        even[^1] &= 0xFE;
        Assert.Null(_rsa.Import(even, 65537, _key.Prime));
        Assert.Null(_rsa.Import([], 65537, _key.Prime));
        Assert.Null(_rsa.Import(new byte[128], 65537, _key.Prime));
        Assert.Null(_rsa.Import([0, .. _key.Modulus], 65537, _key.Prime));
        Assert.Null(_rsa.Import(_key.Modulus.AsSpan(..^1), 65537, _key.Prime));

        TestKey small = TestKey.FromFactors(TestKey.NewPrime(248, _random), TestKey.NewPrime(248, _random));
        Assert.Null(_rsa.Import(small.Modulus, 65537, small.Prime));
    }

    [Fact]
    public void PrivateOperation_FactorsThatShareAPrime_IsRefused()
    {
        // Nothing an import can afford shows that these are no primes. Whoever wraps a key for a TPM may choose them.
        BigInteger shared = TestKey.NewPrime(256, _random);
        TestKey key = TestKey.FromFactors(shared.Multiply(TestKey.NewPrime(256, _random)), shared.Multiply(TestKey.NewPrime(256, _random)));
        ITpmRsaPrivateKey imported = _rsa.Import(key.Modulus, 65537, key.Prime)!;
        for (int i = 0; i < 2; i++) Assert.False(imported.PrivateOperation(key.Pad(BigInteger.Three), new byte[key.Size]));
        Assert.Equal(0ul, LibCrypto.ERR_get_error());
    }

    [Fact]
    public void PrivateOperation_CompositeFactors_EndsWithoutException()
    {
        var output = new byte[128];
        for (int i = 0; i < 20; i++)
        {
            BigInteger p = new BigInteger(512, _random).SetBit(511).SetBit(0);
            BigInteger q = new BigInteger(512, _random).SetBit(511).SetBit(510).SetBit(0).Multiply(i % 2 == 0 ? BigInteger.One : BigInteger.Three);
            TestKey key = TestKey.FromFactors(p, q);
            byte[] modulus = key.Modulus;
            ITpmRsaPrivateKey? imported = _rsa.Import(modulus, 65537, key.Prime);
            if (imported is null) continue;
            output = new byte[modulus.Length];
            imported.PrivateOperation(key.Pad(BigInteger.Three), output);
            Assert.Equal(0ul, LibCrypto.ERR_get_error());
        }

        Assert.NotNull(_rsa.Import(_key.Modulus, 65537, _key.Prime));
    }

    private TestKey KeyWhosePrimeIsOneModulo(int divisor)
    {
        while (true)
        {
            BigInteger p = TestKey.NewPrime(512, _random), q = TestKey.NewPrime(512, _random);
            BigInteger d = BigInteger.ValueOf(divisor);
            if (p.Mod(d).Equals(BigInteger.One) && !q.Mod(d).Equals(BigInteger.One)) return TestKey.FromFactors(p, q);
        }
    }
}
