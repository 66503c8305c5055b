using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests;

/// <summary>What others than the engine make of its keys, signatures and blobs: BouncyCastle, and the BCL's RSA.</summary>
internal static class Witness
{
    private static readonly BigInteger DefaultExponent = BigInteger.ValueOf(65537);

    /// <summary>A SHA-1 digest of several parts.</summary>
    public static byte[] Sha1(params ReadOnlySpan<byte[]> parts)
    {
        byte[] all = [];
        foreach (byte[] part in parts) all = [.. all, .. part];
        return SHA1.HashData(all);
    }

    public static void VerifySignature(ReadOnlyMemory<byte> modulus, byte[] digest, ReadOnlyMemory<byte> signature)
    {
        using RSA rsa = Public(modulus);
        Assert.True(rsa.VerifyHash(digest, signature.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), "the signature is of something else");
    }

    /// <summary>What is left of a signature when its PKCS #1 padding is removed.</summary>
    public static byte[] SignedArea(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> signature)
    {
        var cipher = new Pkcs1Encoding(new RsaEngine());
        cipher.Init(false, PublicParameters(modulus));
        return cipher.ProcessBlock(signature.ToArray(), 0, signature.Length);
    }

    /// <summary>RSAES-OAEP with the label "TCPA".</summary>
    public static byte[] EncryptOaep(ReadOnlyMemory<byte> modulus, byte[] message) => Process(Oaep(), new ParametersWithRandom(PublicParameters(modulus)), true, message);

    public static byte[] EncryptPkcs1(ReadOnlyMemory<byte> modulus, byte[] message) =>
        Process(new Pkcs1Encoding(new RsaEngine()), new ParametersWithRandom(PublicParameters(modulus)), true, message);

    /// <summary>Decrypts for a key whose factors are in the test vectors.</summary>
    public static byte[] DecryptOaep(ReadOnlyMemory<byte> modulus, ReadOnlyMemory<byte> cipher) =>
        Process(Oaep(), PrivateParameters(modulus), false, cipher.ToArray());

    /// <summary>MGF1 with SHA-1, by BouncyCastle.</summary>
    public static byte[] Mgf1(byte[] seed, int length)
    {
        var generator = new Org.BouncyCastle.Crypto.Generators.Mgf1BytesGenerator(new Sha1Digest());
        generator.Init(new MgfParameters(seed));
        byte[] mask = new byte[length];
        generator.GenerateBytes(mask, 0, length);
        return mask;
    }

    public static byte[] Xor(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        byte[] result = left.ToArray();
        for (int i = 0; i < result.Length; i++) result[i] ^= right[i];
        return result;
    }

    /// <summary>
    /// A wrapped key as software makes one that knows its private half: TPM_STORE_ASYMKEY, encrypted with the public half of the parent.
    /// </summary>
    public static TpmKey Wrap(ReadOnlyMemory<byte> parentModulus, TpmKey key, byte[] usageAuth, byte[] migrationAuth, byte[] prime, byte payload = 1)
    {
        byte[] publicPart = WireFormat.ToBytes(key)[..^(4 + key.EncData.Length)];
        byte[] asymKey = [payload, .. usageAuth, .. migrationAuth, .. SHA1.HashData(publicPart), 0, 0, 0, (byte)prime.Length, .. prime];
        key.EncData = EncryptOaep(parentModulus, asymKey);
        return key;
    }

    /// <summary>AES in counter mode, by BouncyCastle.</summary>
    public static byte[] AesCtr(ReadOnlySpan<byte> key, ReadOnlySpan<byte> counter, ReadOnlySpan<byte> data)
    {
        IBufferedCipher cipher = CipherUtilities.GetCipher("AES/CTR/NoPadding");
        cipher.Init(false, new ParametersWithIV(new KeyParameter(key.ToArray()), counter.ToArray()));
        return cipher.DoFinal(data.ToArray());
    }

    /// <summary>What an authority signs: PKCS #1 v1.5 with SHA-1, by a key whose factors are in the test vectors.</summary>
    public static byte[] Sign(ReadOnlyMemory<byte> modulus, byte[] digest)
    {
        byte[] digestInfo = [.. Convert.FromHexString("3021300906052b0e03021a05000414"), .. digest];
        return Process(new Pkcs1Encoding(new RsaEngine()), PrivateParameters(modulus), true, digestInfo);
    }

    /// <summary>
    /// OAEP over a message with a seed and a label's digest of one's own, as a migration blob has it inside: without the zero byte that RSA wants.
    /// </summary>
    public static byte[] EncodeMigration(byte[] seed, byte[] pHash, byte[] message, int padding = 0)
    {
        byte[] db = [.. pHash, .. new byte[padding], 1, .. message];
        byte[] maskedDb = Xor(db, Mgf1(seed, db.Length));
        return [.. Xor(seed, Mgf1(maskedDb, 20)), .. maskedDb];
    }

    /// <summary>The reverse: seed, the label's digest, and what follows it.</summary>
    public static (byte[] Seed, byte[] PHash, byte[] Padded) DecodeMigration(byte[] encoded)
    {
        byte[] seed = Xor(encoded.AsSpan(0, 20), Mgf1(encoded[20..], 20));
        byte[] db = Xor(encoded.AsSpan(20), Mgf1(seed, encoded.Length - 20));
        return (seed, db[..20], db[20..]);
    }

    private static RSA Public(ReadOnlyMemory<byte> modulus) => RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = [1, 0, 1] });

    private static OaepEncoding Oaep() => new(new RsaEngine(), new Sha1Digest(), new Sha1Digest(), "TCPA"u8.ToArray());

    private static byte[] Process(IAsymmetricBlockCipher cipher, ICipherParameters parameters, bool encrypts, byte[] input)
    {
        cipher.Init(encrypts, parameters);
        return cipher.ProcessBlock(input, 0, input.Length);
    }

    private static RsaKeyParameters PublicParameters(ReadOnlyMemory<byte> modulus) => new(false, new BigInteger(1, modulus.ToArray()), DefaultExponent);

    private static RsaPrivateCrtKeyParameters PrivateParameters(ReadOnlyMemory<byte> modulus)
    {
        var n = new BigInteger(1, modulus.ToArray());
        var p = new BigInteger(1, FixedRsa.PrimeOf(modulus));
        BigInteger q = n.Divide(p);
        BigInteger d = DefaultExponent.ModInverse(p.Subtract(BigInteger.One).Multiply(q.Subtract(BigInteger.One)));
        return new RsaPrivateCrtKeyParameters(
            n, DefaultExponent, d, p, q, d.Mod(p.Subtract(BigInteger.One)), d.Mod(q.Subtract(BigInteger.One)), q.ModInverse(p));
    }
}
