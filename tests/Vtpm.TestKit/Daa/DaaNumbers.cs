using System.Numerics;
using System.Security.Cryptography;

namespace Vtpm.TestKit.Daa;

/// <summary>Long integers as the protocol needs them, by <see cref="BigInteger"/>: nothing of the engine's.</summary>
public static class DaaNumbers
{
    public static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    /// <summary>Big-endian, with leading zeros.</summary>
    public static byte[] Bytes(BigInteger number, int size = 256)
    {
        byte[] bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[size - bytes.Length], .. bytes];
    }

    /// <summary>The exponent may be negative.</summary>
    public static BigInteger Power(BigInteger number, BigInteger exponent, BigInteger modulus) =>
        exponent.Sign < 0 ? BigInteger.ModPow(Inverse(number, modulus), -exponent, modulus) : BigInteger.ModPow(number, exponent, modulus);

    /// <summary>A product of powers.</summary>
    public static BigInteger Product(BigInteger modulus, params ReadOnlySpan<(BigInteger Number, BigInteger Exponent)> factors)
    {
        BigInteger product = 1;
        foreach ((BigInteger number, BigInteger exponent) in factors) product = product * Power(number, exponent, modulus) % modulus;
        return product;
    }

    public static BigInteger Inverse(BigInteger number, BigInteger modulus)
    {
        (BigInteger a, BigInteger b, BigInteger x, BigInteger y) = (number % modulus, modulus, 1, 0);
        while (!a.IsZero)
        {
            BigInteger quotient = BigInteger.DivRem(b, a, out BigInteger rest);
            (b, a) = (a, rest);
            (y, x) = (x, y - quotient * x);
        }

        return y.Sign < 0 ? y + modulus : y;
    }

    public static BigInteger Random(int bits) => Number(RandomNumberGenerator.GetBytes((bits + 7) / 8)) & (BigInteger.One << bits) - 1;

    /// <summary>SHA-1 of numbers as 256 bytes each, and of what else there is.</summary>
    public static byte[] Hash(ReadOnlySpan<BigInteger> numbers, params ReadOnlySpan<byte> rest)
    {
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        foreach (BigInteger number in numbers) sha1.AppendData(Bytes(number));
        sha1.AppendData(rest);
        return sha1.GetHashAndReset();
    }
}
