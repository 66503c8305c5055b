using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

public sealed class OpenSslRsaPrivateTests
{
    private readonly OpenSslRsa _rsa = new();

    [Theory]
    [InlineData(512, 65537)]
    [InlineData(512, 3)]
    [InlineData(528, 17)]
    [InlineData(768, 65537)]
    [InlineData(1024, 65537)]
    [InlineData(1024, 4294967291)]
    [InlineData(1536, 257)]
    [InlineData(2048, 65537)]
    public void PrivateOperation_RandomInput_AgreesWithBouncyCastle(int bits, uint exponent)
    {
        TestKey key = TestKey.Of(bits, exponent);
        ITpmRsaPrivateKey imported = Import(key);
        var random = new SecureRandom();
        var output = new byte[key.Size];
        for (int i = 0; i < 40; i++)
        {
            BigInteger input = new BigInteger(bits + 64, random).Mod(key.N);
            Assert.True(imported.PrivateOperation(key.Pad(input), output));
            Assert.Equal(key.Pad(input.ModPow(key.D, key.N)), output);
        }
    }

    [Fact]
    public void PrivateOperation_SizesFrom512To2048_UndoesThePublicOperation()
    {
        for (int bits = 512; bits <= 2048; bits += bits < 1024 ? 16 : 256)
        {
            TpmRsaKeyPair pair = _rsa.Generate(bits);
            using Secret prime = pair.Prime;
            ITpmRsaPrivateKey imported = _rsa.Import(pair.Modulus.Span, 65537, prime.Span)!;
            Assert.Equal(bits / 8, imported.Size);

            var input = new byte[imported.Size];
            new SecureRandom().NextBytes(input, 1, input.Length - 1);
            var encrypted = new byte[input.Length];
            var decrypted = new byte[input.Length];
            Assert.True(_rsa.PublicOperation(pair.Modulus.Span, 65537, input, encrypted));
            Assert.True(imported.PrivateOperation(encrypted, decrypted));
            Assert.Equal(input, decrypted);
            decrypted.AsSpan().Clear();
            Assert.True(pair.Key.PrivateOperation(encrypted, decrypted));
            Assert.Equal(input, decrypted);
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(2048)]
    public void PrivateOperation_EdgeInputs_AreExactOrRefused(int bits)
    {
        TestKey key = TestKey.Of(bits);
        ITpmRsaPrivateKey imported = Import(key);
        var output = new byte[key.Size];

        // 0, 1 and -1 are their own odd powers.
        foreach (BigInteger fixedPoint in new[] { BigInteger.Zero, BigInteger.One, key.N.Subtract(BigInteger.One) })
        {
            Assert.True(imported.PrivateOperation(key.Pad(fixedPoint), output));
            Assert.Equal(key.Pad(fixedPoint), output);
        }

        byte[] allOnes = new byte[key.Size];
        Array.Fill(allOnes, (byte)0xFF);
        foreach (byte[] tooLarge in new[] { key.Modulus, key.Pad(key.N.Add(BigInteger.One)), allOnes })
        {
            Array.Fill(output, (byte)0xAA);
            Assert.False(imported.PrivateOperation(tooLarge, output));
            Assert.All(output, value => Assert.Equal(0, value));
            Assert.Equal(0ul, LibCrypto.ERR_get_error());
        }
    }

    [Fact]
    public void PrivateOperation_MultiplesOfAFactor_AgreeWithBouncyCastle()
    {
        TestKey key = TestKey.Of(1024);
        ITpmRsaPrivateKey imported = Import(key);
        var output = new byte[key.Size];
        foreach (BigInteger input in new[] { key.P, key.Q, key.P.ShiftLeft(7), key.N.Subtract(key.Q) })
        {
            Assert.True(imported.PrivateOperation(key.Pad(input), output));
            Assert.Equal(key.Pad(input.ModPow(key.D, key.N)), output);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(127)]
    [InlineData(129)]
    public void PrivateOperation_InputOfAnotherLength_IsRefused(int length) =>
        Assert.False(Import(TestKey.Of(1024)).PrivateOperation(new byte[length], new byte[128]));

    [Theory]
    [InlineData(0)]
    [InlineData(127)]
    [InlineData(129)]
    public void PrivateOperation_OutputOfAnotherLength_Throws(int length) =>
        Assert.Throws<ArgumentException>(() => Import(TestKey.Of(1024)).PrivateOperation(new byte[128], new byte[length]));

    [Fact]
    public void PrivateOperation_ResultWithLeadingZeros_KeepsThem()
    {
        TestKey key = TestKey.Of(1024);
        ITpmRsaPrivateKey imported = Import(key);
        for (int length = 1; length < key.Size; length += 9)
        {
            BigInteger result = BigInteger.One.ShiftLeft((8 * length) - 1);
            var output = new byte[key.Size];
            Assert.True(imported.PrivateOperation(key.Pad(result.ModPow(BigInteger.ValueOf(key.Exponent), key.N)), output));
            Assert.Equal(key.Pad(result), output);
        }
    }

    [Fact]
    public void PrivateOperation_OverlappingBuffers_ComputesInPlace()
    {
        TestKey key = TestKey.Of(1024);
        byte[] buffer = key.Pad(BigInteger.ValueOf(123456789));
        Assert.True(Import(key).PrivateOperation(buffer, buffer));
        Assert.Equal(key.Pad(BigInteger.ValueOf(123456789).ModPow(key.D, key.N)), buffer);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    public void PrivateOperation_UnderOaepOfBouncyCastle_DecryptsWhatBouncyCastleEncrypted(int bits)
    {
        TestKey key = TestKey.Of(bits);
        byte[] message = "twenty bytes of data"u8.ToArray();
        OaepEncoding encryption = Oaep(new RsaBlindedEngine());
        encryption.Init(true, key.Public);
        OaepEncoding decryption = Oaep(new RawRsaCipher(key, Import(key)));
        decryption.Init(false, key.Private);
        for (int i = 0; i < 10; i++)
        {
            byte[] encrypted = encryption.ProcessBlock(message, 0, message.Length);
            Assert.Equal(message, decryption.ProcessBlock(encrypted, 0, encrypted.Length));
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    public void PublicOperation_UnderOaepOfBouncyCastle_EncryptsForBouncyCastle(int bits)
    {
        TestKey key = TestKey.Of(bits);
        byte[] message = "twenty bytes of data"u8.ToArray();
        OaepEncoding encryption = Oaep(new RawRsaCipher(key, privateKey: null));
        encryption.Init(true, key.Public);
        OaepEncoding decryption = Oaep(new RsaEngine());
        decryption.Init(false, key.Private);
        byte[] encrypted = encryption.ProcessBlock(message, 0, message.Length);
        Assert.Equal(message, decryption.ProcessBlock(encrypted, 0, encrypted.Length));
    }

    [Fact]
    public async Task PrivateOperation_FreshKeysOnFourThreads_AreRightOnEach()
    {
        TestKey key = TestKey.Of(512);
        ITpmRsaPrivateKey[] imported = [.. Enumerable.Range(0, 300).Select(_ => Import(key))];
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        using var together = new Barrier(4);
        Task[] threads = [.. Enumerable.Range(2, 4).Select(number => Task.Factory.StartNew(
            () => UseEach(imported, key, number, together), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        await Task.WhenAll(threads);
    }

    [Fact]
    public void PrivateOperation_KeysDroppedAndCollected_NeitherLeaksNorCrashes()
    {
        TestKey key = TestKey.Of(512);
        byte[] modulus = key.Modulus, prime = key.Prime, buffer = new byte[key.Size];
        for (int i = 0; i < 10_000; i++)
        {
            ITpmRsaPrivateKey imported = _rsa.Import(modulus, key.Exponent, prime)!;
            if (i % 100 == 0) Assert.True(imported.PrivateOperation(buffer, buffer));
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.True(Import(key).PrivateOperation(buffer, buffer));
    }

    /// <summary>The barrier sends the threads into each key's first use at once.</summary>
    private static void UseEach(ITpmRsaPrivateKey[] imported, TestKey key, int number, Barrier together)
    {
        byte[] input = key.Pad(BigInteger.ValueOf(number));
        byte[] expected = key.Pad(BigInteger.ValueOf(number).ModPow(key.D, key.N));
        var outputs = new byte[imported.Length][];
        for (int i = 0; i < imported.Length; i++)
        {
            outputs[i] = new byte[key.Size];
            together.SignalAndWait();

            // The last key more often than the 32 operations after which libcrypto renews its blinding.
            for (int repeat = i < imported.Length - 1 ? 1 : 100; repeat > 0; repeat--) imported[i].PrivateOperation(input, outputs[i]);
        }

        // Asserted at the end: a thread that left early would keep the others waiting.
        Assert.All(outputs, output => Assert.Equal(expected, output));
    }

    private static OaepEncoding Oaep(Org.BouncyCastle.Crypto.IAsymmetricBlockCipher cipher) =>
        new(cipher, new Sha1Digest(), new Sha1Digest(), "TCPA"u8.ToArray());

    private ITpmRsaPrivateKey Import(TestKey key)
    {
        ITpmRsaPrivateKey? imported = _rsa.Import(key.Modulus, key.Exponent, key.Prime);
        Assert.NotNull(imported);
        return imported;
    }
}
