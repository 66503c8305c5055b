using System.Collections.Concurrent;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;

namespace Vtpm.Crypto.Tests;

/// <summary>A key of BouncyCastle's making, which libcrypto had no hand in, as the bytes a TPM keeps.</summary>
internal sealed record TestKey(BigInteger N, uint Exponent, BigInteger P, BigInteger Q)
{
    private static readonly ConcurrentDictionary<(int Bits, uint Exponent), Lazy<TestKey>> s_generated = new();

    public byte[] Modulus => N.ToByteArrayUnsigned();

    public byte[] Prime => P.ToByteArrayUnsigned();

    public int Size => Modulus.Length;

    public BigInteger D
    {
        get
        {
            BigInteger phi = P.Subtract(BigInteger.One).Multiply(Q.Subtract(BigInteger.One));
            return BigInteger.ValueOf(Exponent).ModInverse(phi);
        }
    }

    public RsaKeyParameters Public => new(isPrivate: false, N, BigInteger.ValueOf(Exponent));

    public RsaKeyParameters Private => new(isPrivate: true, N, D);

    /// <summary>One key of each kind for all tests: keys do not change, and making them takes time.</summary>
    public static TestKey Of(int bits, uint exponent = 65537) =>
        s_generated.GetOrAdd((bits, exponent), static kind => new Lazy<TestKey>(() => Generate(kind.Bits, kind.Exponent))).Value;

    /// <summary>A key of two given factors.</summary>
    public static TestKey FromFactors(BigInteger p, BigInteger q, uint exponent = 65537) => new(p.Multiply(q), exponent, p, q);

    /// <summary>A random prime whose two topmost bits are set, and which is usable with the exponent 65537.</summary>
    public static BigInteger NewPrime(int bits, SecureRandom random)
    {
        BigInteger floor = BigInteger.Three.ShiftLeft(bits - 2);
        BigInteger e = BigInteger.ValueOf(65537);
        while (true)
        {
            BigInteger prime = floor.Or(new BigInteger(bits - 2, random)).NextProbablePrime();
            if (prime.BitLength == bits && prime.Subtract(BigInteger.One).Gcd(e).Equals(BigInteger.One)) return prime;
        }
    }

    /// <summary>The number in as many bytes as the modulus has.</summary>
    public byte[] Pad(BigInteger number) => Pad(number, Size);

    public static byte[] Pad(BigInteger number, int size)
    {
        byte[] bytes = number.ToByteArrayUnsigned();
        var padded = new byte[size];
        bytes.CopyTo(padded, size - bytes.Length);
        return padded;
    }

    private static TestKey Generate(int bits, uint exponent)
    {
        var generator = new RsaKeyPairGenerator();
        generator.Init(new RsaKeyGenerationParameters(BigInteger.ValueOf(exponent), new SecureRandom(), bits, certainty: 80));
        var key = (RsaPrivateCrtKeyParameters)generator.GenerateKeyPair().Private;
        return new TestKey(key.Modulus, exponent, key.P, key.Q);
    }
}
