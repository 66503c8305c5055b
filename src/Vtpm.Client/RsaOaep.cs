using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// <c>TPM_ES_RSAESOAEP_SHA1_MGF1</c>, Part 1 §31.1.1: RSAES-OAEP with SHA-1, MGF1 and the label <c>TCPA</c>, to the TPM's public key.
/// </summary>
/// <remarks>
/// The base library's OAEP takes no label, and its RSA no padding of one's own; see <see cref="ModularPower"/>.
/// </remarks>
internal static class RsaOaep
{
    private const int HashSize = TpmDigest.Size;

    private static ReadOnlySpan<byte> DefaultExponent => [1, 0, 1];

    private static ReadOnlySpan<byte> One => [1];

    /// <exception cref="ArgumentException">The key is no RSA key that this message can be encrypted to.</exception>
    public static byte[] Encrypt(TpmPubKey key, ReadOnlySpan<byte> message)
    {
        if (key.AlgorithmParms.AlgorithmId != TpmAlgorithmId.Rsa || WireFormat.Read(key.AlgorithmParms.Parms.Span, out TpmRsaKeyParms parms) != TpmResult.Success)
            throw new ArgumentException("not an RSA key", nameof(key));
        ReadOnlySpan<byte> modulus = key.PubKey.Key.Span;
        if (modulus.Length is < 64 or > 512 || modulus[0] < 0x80 || modulus[^1] % 2 == 0)
            throw new ArgumentException("not an RSA modulus of 512 to 4096 bits", nameof(key));
        if (message.Length > modulus.Length - 2 * HashSize - 2) throw new ArgumentException("too long for the key", nameof(message));

        Span<byte> encoded = stackalloc byte[modulus.Length];
        Encode(message, encoded);
        byte[] cipher = new byte[modulus.Length];
        ModularPower.Compute(encoded, Exponent(parms), modulus, cipher);
        CryptographicOperations.ZeroMemory(encoded);
        return cipher;
    }

    private static ReadOnlySpan<byte> Exponent(in TpmRsaKeyParms parms)
    {
        if (parms.Exponent.IsEmpty) return DefaultExponent;
        ReadOnlySpan<byte> bytes = parms.Exponent.Span.TrimStart((byte)0);
        if (bytes.Length is 0 or > sizeof(uint) || bytes.SequenceEqual(One)) throw new ArgumentException("the key's exponent is no public exponent");
        return bytes;
    }

    /// <summary>EM = 00 || maskedSeed || maskedDB, with DB = SHA1(label) || 00… || 01 || message.</summary>
    private static void Encode(ReadOnlySpan<byte> message, Span<byte> encoded)
    {
        Span<byte> seed = encoded.Slice(1, HashSize);
        Span<byte> db = encoded[(1 + HashSize)..];
        encoded.Clear();
        SHA1.HashData("TCPA"u8, db);
        db[^(message.Length + 1)] = 1;
        message.CopyTo(db[^message.Length..]);
        RandomNumberGenerator.Fill(seed);
        Mask(seed, db);
        Mask(db, seed);
    }

    /// <summary>MGF1 of <paramref name="seed"/>, applied to <paramref name="target"/>.</summary>
    private static void Mask(ReadOnlySpan<byte> seed, Span<byte> target)
    {
        Span<byte> input = stackalloc byte[seed.Length + sizeof(uint)];
        Span<byte> block = stackalloc byte[HashSize];
        seed.CopyTo(input);
        for (int offset = 0; offset < target.Length; offset += HashSize)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(input[seed.Length..], offset / HashSize);
            SHA1.HashData(input, block);
            int length = Math.Min(HashSize, target.Length - offset);
            for (int i = 0; i < length; i++) target[offset + i] ^= block[i];
        }

        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(block);
    }
}
