using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslArithmeticTests
{
    private static readonly byte[] Zero = new byte[256];
    private static readonly byte[] One = [.. new byte[255], 1];
    private static readonly byte[] Even = [0x80, .. new byte[255]];
    private static readonly byte[] Odd = [0x80, .. new byte[254], 1];

    private readonly OpenSslArithmetic _arithmetic = new();
    private readonly SecureRandom _random = new();

    [Fact]
    public void AnyNumbers_AllSizes_AgreeWithBouncyCastle()
    {
        for (int size = 1; size <= 512; size += 1 + (size / 4))
        {
            BigInteger n = Number(size).SetBit(0).SetBit(1), x = Number(size), y = Number(1 + (size / 2)), z = Number(size);
            var result = new byte[(2 * size) + 2];
            Assert.True(_arithmetic.PowerMod(Bytes(x), Bytes(y), Bytes(n), result));
            Assert.Equal(x.ModPow(y, n), new BigInteger(1, result));
            Assert.True(_arithmetic.MultiplyMod(Bytes(x), Bytes(y), Bytes(n), result));
            Assert.Equal(x.Multiply(y).Mod(n), new BigInteger(1, result));
            Assert.True(_arithmetic.Remainder(Bytes(x), Bytes(y.Or(BigInteger.One)), result));
            Assert.Equal(x.Mod(y.Or(BigInteger.One)), new BigInteger(1, result));
            Assert.True(_arithmetic.MultiplyAdd(Bytes(x), Bytes(y), Bytes(z), result));
            Assert.Equal(x.Multiply(y).Add(z), new BigInteger(1, result));
        }
    }

    [Fact]
    public void PowerMod_ModulusOfNoUse_IsRefused()
    {
        foreach (byte[] modulus in (byte[][])[[], [0], [1], [2], Zero, One, Even, new byte[513]])
            Assert.False(_arithmetic.PowerMod([3], [5], modulus, new byte[513]));
    }

    [Fact]
    public void MultiplyModAndRemainder_ModulusOfNoUse_IsRefused()
    {
        foreach (byte[] modulus in (byte[][])[[], [0], Zero, new byte[513]])
        {
            Assert.False(_arithmetic.MultiplyMod([3], [5], modulus, new byte[513]));
            Assert.False(_arithmetic.Remainder([3], modulus, new byte[513]));
        }
    }

    [Fact]
    public void AnyOperation_NumbersTooLong_AreRefused()
    {
        var tooLong = new byte[513];
        tooLong[^1] = 3;
        Assert.False(_arithmetic.PowerMod(tooLong, [5], Odd, new byte[512]));
        Assert.False(_arithmetic.PowerMod([3], tooLong, Odd, new byte[512]));
        Assert.False(_arithmetic.MultiplyMod(tooLong, [5], Odd, new byte[512]));
        Assert.False(_arithmetic.MultiplyMod([3], tooLong, Odd, new byte[512]));
        Assert.False(_arithmetic.Remainder(tooLong, Odd, new byte[512]));
        Assert.False(_arithmetic.MultiplyAdd(tooLong, [5], [7], new byte[2048]));
        Assert.False(_arithmetic.MultiplyAdd([3], tooLong, [7], new byte[2048]));
        Assert.False(_arithmetic.MultiplyAdd([3], [5], tooLong, new byte[2048]));
    }

    [Fact]
    public void AnyOperation_ZeroesAndNumbersNotReduced_AreNumbersLikeAnyOther()
    {
        byte[] result = [0xAA, 0xAA];
        Assert.True(_arithmetic.PowerMod([0xFF, 0xFF, 0xFF], [], [0x07], result));
        Assert.Equal([0, 1], result);
        Assert.True(_arithmetic.PowerMod([], [5], [0x07], result));
        Assert.Equal([0, 0], result);
        Assert.True(_arithmetic.PowerMod([0, 0, 0x09], [0, 0, 3], [0, 0x07], result));
        Assert.Equal([0, 1], result);
        Assert.True(_arithmetic.MultiplyMod([0xFF, 0xFF, 0xFF], [2], [1], result));
        Assert.Equal([0, 0], result);
        Assert.True(_arithmetic.MultiplyAdd([], [5], [9], result));
        Assert.Equal([0, 9], result);
    }

    [Fact]
    public void MultiplyAdd_OneByteTooFew_IsRefusedAndNothingIsLeft()
    {
        byte[] result = [0xAA, 0xAA];
        Assert.False(_arithmetic.MultiplyAdd([0x01, 0x00], [0xFF], [0x01, 0x00], result));
        Assert.Equal([0, 0], result);
        Assert.True(_arithmetic.MultiplyAdd([0x01, 0x00], [0xFF], [0xFF], result));
        Assert.Equal([0xFF, 0xFF], result);
    }

    [Fact]
    public void AnyModularOperation_ResultShorterThanModulus_IsADefect()
    {
        Assert.Throws<ArgumentException>(() => _arithmetic.PowerMod([3], [5], Odd, new byte[255]));
        Assert.Throws<ArgumentException>(() => _arithmetic.MultiplyMod([3], [5], Odd, new byte[255]));
        Assert.Throws<ArgumentException>(() => _arithmetic.Remainder([3], Odd, new byte[255]));
    }

    private static byte[] Bytes(BigInteger number) => number.ToByteArrayUnsigned();

    private BigInteger Number(int size) => new(8 * size, _random);
}
