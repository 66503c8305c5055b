using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaPublicTests
{
    private readonly OpenSslRsa _rsa = new();
    private readonly TestKey _key = TestKey.Of(1024);

    [Fact]
    public void PublicOperation_AnySizeAndExponent_AgreesWithBouncyCastle()
    {
        var random = new SecureRandom();
        for (int size = 64; size <= 512; size += 7)
        {
            BigInteger n = new BigInteger(8 * size, random).SetBit((8 * size) - 1).SetBit(0);
            foreach (uint exponent in new[] { 3u, 5u, 17u, 65537u, 0x80000001u, 0xFFFFFFFFu })
            {
                BigInteger input = new BigInteger(8 * size, random).Mod(n);
                var output = new byte[size];
                Assert.True(_rsa.PublicOperation(n.ToByteArrayUnsigned(), exponent, TestKey.Pad(input, size), output));
                Assert.Equal(TestKey.Pad(input.ModPow(BigInteger.ValueOf(exponent), n), size), output);
            }
        }
    }

    [Fact]
    public void PublicOperation_EdgeInputs_AreExactOrRefused()
    {
        foreach (BigInteger fixedPoint in new[] { BigInteger.Zero, BigInteger.One, _key.N.Subtract(BigInteger.One) })
        {
            var output = new byte[_key.Size];
            Array.Fill(output, (byte)0xAA);
            Assert.True(_rsa.PublicOperation(_key.Modulus, 65537, _key.Pad(fixedPoint), output));
            Assert.Equal(_key.Pad(fixedPoint), output);
        }

        Assert.False(_rsa.PublicOperation(_key.Modulus, 65537, _key.Modulus, new byte[_key.Size]));
        Assert.False(_rsa.PublicOperation(_key.Modulus, 65537, _key.Pad(_key.N.Add(BigInteger.One)), new byte[_key.Size]));
        Assert.False(_rsa.PublicOperation(_key.Modulus, 65537, new byte[_key.Size + 1], new byte[_key.Size]));
    }

    [Fact]
    public void PublicOperation_ShorterInput_IsANumberLikeAnyOther()
    {
        byte[] shortened = new byte[_key.Size], empty = new byte[_key.Size];
        Assert.True(_rsa.PublicOperation(_key.Modulus, 65537, [2], shortened));
        Assert.Equal(_key.Pad(BigInteger.Two.ModPow(BigInteger.ValueOf(65537), _key.N)), shortened);
        Array.Fill(empty, (byte)0xAA);
        Assert.True(_rsa.PublicOperation(_key.Modulus, 65537, [], empty));
        Assert.All(empty, value => Assert.Equal(0, value));
    }

    [Fact]
    public void PublicOperation_SmallPower_KeepsLeadingZeros()
    {
        var output = new byte[_key.Size];
        Assert.True(_rsa.PublicOperation(_key.Modulus, 3, [2], output));
        Assert.Equal(_key.Pad(BigInteger.ValueOf(8)), output);
    }

    [Fact]
    public void PublicOperation_InPlace_Computes()
    {
        byte[] buffer = _key.Pad(BigInteger.Three);
        Assert.True(_rsa.PublicOperation(_key.Modulus, 3, buffer, buffer));
        Assert.Equal(_key.Pad(BigInteger.ValueOf(27)), buffer);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(65536)]
    public void PublicOperation_ExponentEvenOrBelowThree_IsRefused(uint exponent) =>
        Assert.False(_rsa.PublicOperation(_key.Modulus, exponent, [2], new byte[_key.Size]));

    [Fact]
    public void PublicOperation_ModulusUnusable_IsRefused()
    {
        byte[] even = [.. _key.Modulus];
        even[^1] &= 0xFE;
        byte[] leadingZero = [0, .. _key.Modulus];
        byte[] tooSmall = _key.Modulus[^63..];
        var tooLarge = new byte[513];
        Array.Fill(tooLarge, (byte)0xFF);
        foreach (byte[] modulus in new[] { even, leadingZero, tooSmall, tooLarge, [], [0], [1], new byte[128] })
            Assert.False(_rsa.PublicOperation(modulus, 65537, [], new byte[modulus.Length]));
    }

    [Theory]
    [InlineData(127)]
    [InlineData(129)]
    public void PublicOperation_OutputOfAnotherLength_Throws(int length) =>
        Assert.Throws<ArgumentException>(() => _rsa.PublicOperation(_key.Modulus, 65537, [2], new byte[length]));
}
