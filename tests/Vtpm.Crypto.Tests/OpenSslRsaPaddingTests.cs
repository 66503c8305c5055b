using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaPaddingTests
{
    private static readonly byte[] s_tcpa = "TCPA"u8.ToArray();

    private readonly OpenSslRsa _rsa = new();
    private readonly SecureRandom _random = new();

    public static TheoryData<int, int> KeyAndOaepMessageLengths => new()
    {
        { 512, 0 }, { 512, 1 }, { 512, 22 }, { 1024, 20 }, { 1024, 86 }, { 2048, 0 }, { 2048, 45 }, { 2048, 214 },
    };

    [Theory]
    [MemberData(nameof(KeyAndOaepMessageLengths))]
    public void DecryptOaep_CiphertextOfBouncyCastle_GivesTheMessageAndZeros(int bits, int messageLength)
    {
        TestKey key = TestKey.Of(bits);
        byte[] message = SecureRandom.GetNextBytes(_random, messageLength);
        OaepEncoding encryption = Oaep(s_tcpa);
        encryption.Init(true, key.Public);
        AssertDecrypts(Import(key), encryption.ProcessBlock(message, 0, message.Length), message, s_tcpa);
    }

    [Theory]
    [MemberData(nameof(KeyAndOaepMessageLengths))]
    public void EncryptOaep_AnyMessage_IsDecryptedByBouncyCastleAndUs(int bits, int messageLength)
    {
        TestKey key = TestKey.Of(bits);
        byte[] message = SecureRandom.GetNextBytes(_random, messageLength);
        foreach (byte[] label in new[] { s_tcpa, [], new byte[300] })
        {
            var encrypted = new byte[key.Size];
            Assert.True(_rsa.EncryptOaep(key.Modulus, key.Exponent, message, label, encrypted));

            OaepEncoding decryption = Oaep(label);
            decryption.Init(false, key.Private);
            Assert.Equal(message, decryption.ProcessBlock(encrypted, 0, encrypted.Length));
            AssertDecrypts(Import(key), encrypted, message, label);
        }
    }

    [Fact]
    public void EncryptOaep_MessageTooLong_IsRefused()
    {
        TestKey key = TestKey.Of(1024);
        Assert.False(_rsa.EncryptOaep(key.Modulus, key.Exponent, new byte[87], s_tcpa, new byte[128]));
        Assert.False(_rsa.EncryptOaep(key.Modulus, key.Exponent, new byte[4096], s_tcpa, new byte[128]));
        Assert.False(_rsa.EncryptOaep([], key.Exponent, [], s_tcpa, []));
        Assert.Equal(0ul, LibCrypto.ERR_get_error());
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(65536u)]
    public void EncryptOaep_ExponentUnusable_IsRefused(uint exponent) =>
        Assert.False(_rsa.EncryptOaep(TestKey.Of(1024).Modulus, exponent, [1], s_tcpa, new byte[128]));

    [Fact]
    public void EncryptOaep_Twice_GivesDifferentCiphertexts()
    {
        TestKey key = TestKey.Of(1024);
        byte[] first = new byte[128], second = new byte[128];
        Assert.True(_rsa.EncryptOaep(key.Modulus, key.Exponent, [1, 2, 3], s_tcpa, first));
        Assert.True(_rsa.EncryptOaep(key.Modulus, key.Exponent, [1, 2, 3], s_tcpa, second));
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void DecryptOaep_WhatWasNotMadeForIt_IsRefused()
    {
        TestKey key = TestKey.Of(1024);
        var encrypted = new byte[128];
        Assert.True(_rsa.EncryptOaep(key.Modulus, key.Exponent, [1, 2, 3], s_tcpa, encrypted));

        AssertOaepRefused(Import(key), encrypted, "TCPB"u8);
        AssertOaepRefused(Import(key), encrypted, []);
        AssertOaepRefused(Import(key), encrypted.AsSpan(1), s_tcpa);
        AssertOaepRefused(Import(key), [.. encrypted, 0], s_tcpa);
        AssertOaepRefused(Import(key), [], s_tcpa);
        AssertOaepRefused(Import(key), new byte[128], s_tcpa);
        AssertOaepRefused(Import(key), key.Modulus, s_tcpa);
        for (int i = 0; i < 128; i += 9)
        {
            byte[] changed = [.. encrypted];
            changed[i] ^= 0x40;
            AssertOaepRefused(Import(key), changed, s_tcpa);
        }
    }

    [Theory]
    [InlineData(512, 0)]
    [InlineData(512, 53)]
    [InlineData(1024, 20)]
    [InlineData(2048, 1)]
    [InlineData(2048, 245)]
    public void DecryptPkcs1_CiphertextOfBouncyCastle_GivesTheMessageAndZeros(int bits, int messageLength)
    {
        TestKey key = TestKey.Of(bits);
        byte[] message = SecureRandom.GetNextBytes(_random, messageLength), output = new byte[key.Size + 5];
        var encryption = new Pkcs1Encoding(new RsaBlindedEngine());
        encryption.Init(true, key.Public);
        byte[] encrypted = encryption.ProcessBlock(message, 0, message.Length);

        Array.Fill(output, (byte)0xAA);
        Assert.True(Import(key).DecryptPkcs1(encrypted, output, out int length));
        Assert.Equal(message, output[..length]);
        Assert.Equal(-1, output.AsSpan(length).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void DecryptPkcs1_WrongPadding_IsRefusedEachTime()
    {
        TestKey key = TestKey.Of(1024);
        byte[] sound = new byte[128];
        Array.Fill(sound, (byte)0x5A);
        sound[0] = 0;
        sound[1] = 2;
        sound[100] = 0;
        Assert.True(Import(key).DecryptPkcs1(Raw(key, sound), new byte[128], out int length));
        Assert.Equal(27, length);

        foreach ((int index, byte value) in new (int, byte)[] { (0, 1), (1, 1), (1, 0), (2, 0), (9, 0), (100, 1) })
        {
            byte[] wrong = [.. sound];
            wrong[index] = value;
            AssertPkcs1Refused(Import(key), Raw(key, wrong));
        }

        AssertPkcs1Refused(Import(key), Raw(key, sound)[1..]);
        AssertPkcs1Refused(Import(key), key.Modulus);
        AssertPkcs1Refused(Import(key), new byte[128]);
    }

    [Fact]
    public void Decrypt_OutputTooShort_Throws()
    {
        ITpmRsaPrivateKey key = Import(TestKey.Of(1024));
        Assert.Throws<ArgumentException>(() => key.DecryptOaep(new byte[128], s_tcpa, new byte[127], out _));
        Assert.Throws<ArgumentException>(() => key.DecryptPkcs1(new byte[128], new byte[127], out _));
        Assert.Throws<ArgumentException>(() => _rsa.EncryptOaep(TestKey.Of(1024).Modulus, 65537, [1], s_tcpa, new byte[129]));
    }

    [Fact]
    public void DecryptOaep_InPlace_GivesTheMessage()
    {
        TestKey key = TestKey.Of(1024);
        var buffer = new byte[128];
        Assert.True(_rsa.EncryptOaep(key.Modulus, key.Exponent, [1, 2, 3], s_tcpa, buffer));
        Assert.True(Import(key).DecryptOaep(buffer, s_tcpa, buffer, out int length));
        Assert.Equal([1, 2, 3], buffer[..length]);
    }

    private static void AssertDecrypts(ITpmRsaPrivateKey key, byte[] encrypted, byte[] message, byte[] label)
    {
        var output = new byte[key.Size + 5];
        Array.Fill(output, (byte)0xAA);
        Assert.True(key.DecryptOaep(encrypted, label, output, out int length));
        Assert.Equal(message, output[..length]);
        Assert.Equal(-1, output.AsSpan(length).IndexOfAnyExcept((byte)0));
    }

    private static void AssertOaepRefused(ITpmRsaPrivateKey key, ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> label)
    {
        var output = new byte[key.Size];
        Array.Fill(output, (byte)0xAA);
        Assert.False(key.DecryptOaep(encrypted, label, output, out int length));
        AssertNothingGiven(output, length);
    }

    private static void AssertPkcs1Refused(ITpmRsaPrivateKey key, byte[] encrypted)
    {
        var output = new byte[key.Size];
        Array.Fill(output, (byte)0xAA);
        Assert.False(key.DecryptPkcs1(encrypted, output, out int length));
        AssertNothingGiven(output, length);
    }

    private static void AssertNothingGiven(byte[] output, int length)
    {
        Assert.Equal(0, length);
        Assert.Equal(-1, output.AsSpan().IndexOfAnyExcept((byte)0));
        Assert.Equal(0ul, LibCrypto.ERR_get_error());
    }

    private static OaepEncoding Oaep(byte[] label) => new(new RsaBlindedEngine(), new Sha1Digest(), new Sha1Digest(), label);

    private static byte[] Raw(TestKey key, byte[] block) =>
        key.Pad(new BigInteger(1, block).ModPow(BigInteger.ValueOf(key.Exponent), key.N));

    private ITpmRsaPrivateKey Import(TestKey key)
    {
        ITpmRsaPrivateKey? imported = _rsa.Import(key.Modulus, key.Exponent, key.Prime);
        Assert.NotNull(imported);
        return imported;
    }
}
