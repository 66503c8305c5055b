using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// RSAES-OAEP with MGF1 and a label, to a TPM's public key. Of a TPM 1.2: SHA-1 and the label <c>TCPA</c> (<c>TPM_ES_RSAESOAEP_SHA1_MGF1</c>, Part 1
/// §31.1.1); of a TPM 2.0: the key's nameAlg and a label that says what for (TPM 2.0 Part 1, annex B.4).
/// </summary>
/// <remarks>
/// The base library's OAEP takes no label, and its RSA no padding of one's own; see <see cref="ModularPower"/>.
/// </remarks>
public static class RsaOaep
{
    private const int MaxHashSize = 64;

    private static ReadOnlySpan<byte> DefaultExponent => [1, 0, 1];

    private static ReadOnlySpan<byte> One => [1];

    /// <exception cref="ArgumentException">The key is no RSA key that this message can be encrypted to.</exception>
    public static byte[] Encrypt(TpmPubKey key, ReadOnlySpan<byte> message)
    {
        if (key.AlgorithmParms.AlgorithmId != TpmAlgorithmId.Rsa || WireFormat.Read(key.AlgorithmParms.Parms.Span, out TpmRsaKeyParms parms) != TpmResult.Success)
            throw new ArgumentException("not an RSA key", nameof(key));
        return Encrypt(key.PubKey.Key.Span, parms.Exponent.Span, HashAlgorithmName.SHA1, "TCPA"u8, message);
    }

    /// <param name="modulus">The key's.</param>
    /// <param name="exponent">The key's; empty for 65537.</param>
    /// <param name="hash">Of the label and of MGF1.</param>
    /// <param name="label">Bytes, with a final zero where the specification has one.</param>
    /// <param name="message">What is encrypted.</param>
    /// <exception cref="ArgumentException">The key is no RSA key that this message can be encrypted to.</exception>
    public static byte[] Encrypt(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent, HashAlgorithmName hash, ReadOnlySpan<byte> label, ReadOnlySpan<byte> message)
    {
        if (modulus.Length is < 64 or > 512 || modulus[0] < 0x80 || modulus[^1] % 2 == 0)
            throw new ArgumentException("not an RSA modulus of 512 to 4096 bits", nameof(modulus));
        Span<byte> labelHash = stackalloc byte[MaxHashSize];
        labelHash = labelHash[..CryptographicOperations.HashData(hash, label, labelHash)];
        if (message.Length > modulus.Length - 2 * labelHash.Length - 2) throw new ArgumentException("too long for the key", nameof(message));

        Span<byte> encoded = stackalloc byte[modulus.Length];
        Encode(hash, labelHash, message, encoded);
        byte[] cipher = new byte[modulus.Length];
        ModularPower.Compute(encoded, Exponent(exponent), modulus, cipher);
        CryptographicOperations.ZeroMemory(encoded);
        return cipher;
    }

    private static ReadOnlySpan<byte> Exponent(ReadOnlySpan<byte> exponent)
    {
        if (exponent.IsEmpty) return DefaultExponent;
        ReadOnlySpan<byte> bytes = exponent.TrimStart((byte)0);
        if (bytes.Length is 0 or > sizeof(uint) || bytes.SequenceEqual(One)) throw new ArgumentException("the key's exponent is no public exponent");
        return bytes;
    }

    /// <summary>EM = 00 || maskedSeed || maskedDB, with DB = hash(label) || 00… || 01 || message.</summary>
    private static void Encode(HashAlgorithmName hash, ReadOnlySpan<byte> labelHash, ReadOnlySpan<byte> message, Span<byte> encoded)
    {
        Span<byte> seed = encoded.Slice(1, labelHash.Length);
        Span<byte> db = encoded[(1 + labelHash.Length)..];
        encoded.Clear();
        labelHash.CopyTo(db);
        db[^(message.Length + 1)] = 1;
        message.CopyTo(db[^message.Length..]);
        RandomNumberGenerator.Fill(seed);
        Mask(hash, labelHash.Length, seed, db);
        Mask(hash, labelHash.Length, db, seed);
    }

    /// <summary>MGF1 of <paramref name="seed"/>, applied to <paramref name="target"/>.</summary>
    private static void Mask(HashAlgorithmName hash, int hashSize, ReadOnlySpan<byte> seed, Span<byte> target)
    {
        Span<byte> input = stackalloc byte[seed.Length + sizeof(uint)];
        Span<byte> block = stackalloc byte[hashSize];
        seed.CopyTo(input);
        for (int offset = 0; offset < target.Length; offset += hashSize)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(input[seed.Length..], offset / hashSize);
            CryptographicOperations.HashData(hash, input, block);
            int length = Math.Min(hashSize, target.Length - offset);
            for (int i = 0; i < length; i++) target[offset + i] ^= block[i];
        }

        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(block);
    }
}
