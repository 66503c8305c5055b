using System.Numerics;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>The client's own encryption to a TPM, against BouncyCastle and the base library's arithmetic.</summary>
public class RsaOaepTests
{
    [Theory]
    [InlineData(1024)]
    [InlineData(2048)]
    public void Encrypt_ToAKey_IsDecryptedWithTheTpmsLabel(int bits)
    {
        using RSA rsa = RSA.Create(bits);
        RSAParameters numbers = rsa.ExportParameters(includePrivateParameters: true);
        byte[] message = RandomNumberGenerator.GetBytes(20);

        byte[] cipher = RsaOaep.Encrypt(PublicKey(numbers.Modulus!, []), message);

        var oaep = new OaepEncoding(new RsaEngine(), new Sha1Digest(), new Sha1Digest(), "TCPA"u8.ToArray());
        oaep.Init(false, new RsaKeyParameters(true, new(1, numbers.Modulus!), new(1, numbers.D!)));
        Assert.Equal(message, oaep.ProcessBlock(cipher, 0, cipher.Length));
        Assert.NotEqual(cipher, RsaOaep.Encrypt(PublicKey(numbers.Modulus!, []), message));
    }

    [Fact]
    public void Encrypt_ToWhatIsNoKey_IsRefused()
    {
        using RSA rsa = RSA.Create(1024);
        byte[] modulus = rsa.ExportParameters(false).Modulus!;
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey([], []), new byte[20]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey(new byte[128], []), new byte[20]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey(modulus, [0]), new byte[20]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey(modulus, [1]), new byte[20]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey(modulus, [1, 0, 0, 0, 1]), new byte[20]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(PublicKey(modulus, []), new byte[87]));
        Assert.Throws<ArgumentException>(() => RsaOaep.Encrypt(default, new byte[20]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(71)]
    [InlineData(128)]
    [InlineData(512)]
    public void ModularPower_OfAnyNumbers_IsTheBaseLibrarys(int length)
    {
        var random = new Random(length);
        foreach (string hex in (string[])["03", "05", "0011", "FFFF", "010001", "80000001", "00", "01", "F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C4B5A69788"])
        {
            byte[] exponent = Convert.FromHexString(hex);
            byte[] modulus = new byte[length];
            byte[] number = new byte[length];
            random.NextBytes(modulus);
            random.NextBytes(number);
            modulus[0] |= 0x80;
            modulus[^1] |= 1;
            number[0] &= 0x7F;
            byte[] result = new byte[length];
            ModularPower.Compute(number, exponent, modulus, result);
            Assert.Equal(BigInteger.ModPow(Number(number), Number(exponent), Number(modulus)), Number(result));
        }
    }

    [Fact]
    public void ModularPower_AtTheEdges_IsTheBaseLibrarys()
    {
        byte[] modulus = new byte[64];
        modulus.AsSpan().Fill(0xFF);
        foreach (byte[] number in (byte[][])[new byte[64], [.. new byte[63], 1], [.. modulus[..63], 0xFE], modulus])
        {
            byte[] result = new byte[64];
            ModularPower.Compute(number, [1, 0, 1], modulus, result);
            Assert.Equal(BigInteger.ModPow(Number(number), 65537, Number(modulus)), Number(result));
        }
    }

    [Fact]
    public void ModularPower_OfNumbersThatDoNotFit_IsTheCallersFault()
    {
        Assert.Throws<ArgumentException>(() => ModularPower.Compute(new byte[2], [3], [1, 2], new byte[2]));
        Assert.Throws<ArgumentException>(() => ModularPower.Compute(new byte[1], [3], [1, 1], new byte[2]));
        Assert.Throws<ArgumentException>(() => ModularPower.Compute(new byte[2], [3], [1, 1], new byte[1]));
        Assert.Throws<ArgumentException>(() => ModularPower.Compute([], [3], [], []));
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static TpmPubKey PublicKey(byte[] modulus, byte[] exponent)
    {
        TpmPubKey key = new() { AlgorithmParms = TpmKeys.EndorsementKey };
        key.AlgorithmParms.Parms = WireFormat.ToBytes(new TpmRsaKeyParms { KeyLength = (uint)modulus.Length * 8, NumPrimes = 2, Exponent = exponent });
        key.PubKey.Key = modulus;
        return key;
    }
}
