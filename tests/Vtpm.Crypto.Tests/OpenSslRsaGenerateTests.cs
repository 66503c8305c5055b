using Org.BouncyCastle.Math;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaGenerateTests
{
    private static readonly BigInteger s_e = BigInteger.ValueOf(65537);

    private readonly OpenSslRsa _rsa = new();

    [Theory]
    [InlineData(512)]
    [InlineData(528)]
    [InlineData(1024)]
    [InlineData(1040)]
    [InlineData(1536)]
    [InlineData(2032)]
    [InlineData(2048)]
    public void Generate_AnySize_MeetsFips186(int bits)
    {
        TpmRsaKeyPair pair = _rsa.Generate(bits);
        using Secret prime = pair.Prime;
        Assert.Equal(bits / 8, pair.Modulus.Length);
        Assert.Equal(bits / 16, prime.Length);
        Assert.Equal(bits / 8, pair.Key.Size);

        var n = new BigInteger(1, pair.Modulus.ToArray());
        var p = new BigInteger(1, prime.Span.ToArray());
        BigInteger[] division = n.DivideAndRemainder(p);
        BigInteger q = division[0];
        Assert.Equal(bits, n.BitLength);
        Assert.Equal(BigInteger.Zero, division[1]);

        foreach (BigInteger factor in new[] { p, q })
        {
            Assert.True(factor.RabinMillerTest(64, new Org.BouncyCastle.Security.SecureRandom()));
            Assert.Equal(BigInteger.One, factor.Subtract(BigInteger.One).Gcd(s_e));

            // At least the square root of two times 2^(bits/2 - 1), compared by squares.
            Assert.True(factor.Square().CompareTo(BigInteger.Two.ShiftLeft(bits - 2)) >= 0);
        }

        Assert.True(p.Subtract(q).Abs().BitLength > (bits / 2) - 100);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    public void Generate_ReadyKey_InvertsThePublicOperation(int bits)
    {
        TpmRsaKeyPair pair = _rsa.Generate(bits);
        using Secret prime = pair.Prime;
        byte[] input = new byte[bits / 8], encrypted = new byte[bits / 8], decrypted = new byte[bits / 8];
        input[1] = 0x5A;
        Assert.True(_rsa.PublicOperation(pair.Modulus.Span, 65537, input, encrypted));
        Assert.True(pair.Key.PrivateOperation(encrypted, decrypted));
        Assert.Equal(input, decrypted);
    }

    [Fact]
    public void Generate_Repeatedly_NeverSharesAFactor()
    {
        var primes = new HashSet<BigInteger>();
        for (int i = 0; i < 20; i++)
        {
            TpmRsaKeyPair pair = _rsa.Generate(512);
            using Secret prime = pair.Prime;
            var p = new BigInteger(1, prime.Span.ToArray());
            Assert.True(primes.Add(p));
            Assert.True(primes.Add(new BigInteger(1, pair.Modulus.ToArray()).Divide(p)));
        }
    }

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(0)]
    [InlineData(496)]
    [InlineData(511)]
    [InlineData(520)]
    [InlineData(1025)]
    [InlineData(2064)]
    [InlineData(4096)]
    [InlineData(int.MaxValue)]
    public void Generate_SizeOutOfRange_Throws(int bits) => Assert.Throws<ArgumentOutOfRangeException>(() => _rsa.Generate(bits));
}
