using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Engine;

/// <summary>The symmetric encryptions of Part 1 §14 (ADIP) and Part 2 §5.8.1, in place.</summary>
internal static class SymmetricCipher
{
    public const int BlockSize = 16;

    public const int KeySize = 16;

    /// <summary>XORs with SHA-1(sharedSecret || nonce): 20 bytes, its own inverse.</summary>
    public static void AdipXor(ReadOnlySpan<byte> sharedSecret, ReadOnlySpan<byte> nonce, Span<byte> data)
    {
        Span<byte> input = stackalloc byte[40];
        Span<byte> pad = stackalloc byte[20];
        sharedSecret.CopyTo(input);
        nonce.CopyTo(input[20..]);
        SHA1.HashData(input, pad);
        for (int i = 0; i < data.Length; i++) data[i] ^= pad[i];
        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(pad);
    }

    /// <summary>AES in counter mode; the low 32 bits of the block count, and wrap by themselves (Part 1 §31.1.3). Its own inverse.</summary>
    public static void AesCtr(ReadOnlySpan<byte> key, ReadOnlySpan<byte> initialCounter, Span<byte> data)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        Span<byte> counter = stackalloc byte[BlockSize];
        Span<byte> stream = stackalloc byte[BlockSize];
        initialCounter.CopyTo(counter);
        for (int offset = 0; offset < data.Length; offset += BlockSize)
        {
            aes.EncryptEcb(counter, stream, PaddingMode.None);
            int length = Math.Min(BlockSize, data.Length - offset);
            for (int i = 0; i < length; i++) data[offset + i] ^= stream[i];
            Span<byte> low = counter[^4..];
            BinaryPrimitives.WriteUInt32BigEndian(low, unchecked(BinaryPrimitives.ReadUInt32BigEndian(low) + 1));
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    /// <summary>AES in output feedback mode. Its own inverse.</summary>
    public static void AesOfb(ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, Span<byte> data)
    {
        using var aes = Aes.Create();
        aes.SetKey(key);
        Span<byte> stream = stackalloc byte[BlockSize];
        iv.CopyTo(stream);
        for (int offset = 0; offset < data.Length; offset += BlockSize)
        {
            aes.EncryptEcb(stream, stream, PaddingMode.None);
            int length = Math.Min(BlockSize, data.Length - offset);
            for (int i = 0; i < length; i++) data[offset + i] ^= stream[i];
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    /// <summary>XORs with MGF1-SHA-1 of <paramref name="seed"/> (TPM_ALG_MGF1, the transport and Sealx encryptions). Its own inverse.</summary>
    public static void Mgf1Xor(ReadOnlySpan<byte> seed, Span<byte> data)
    {
        Span<byte> input = stackalloc byte[seed.Length + 4];
        Span<byte> mask = stackalloc byte[20];
        seed.CopyTo(input);
        for (int offset = 0, counter = 0; offset < data.Length; offset += mask.Length, counter++)
        {
            BinaryPrimitives.WriteInt32BigEndian(input[^4..], counter);
            SHA1.HashData(input, mask);
            int length = Math.Min(mask.Length, data.Length - offset);
            for (int i = 0; i < length; i++) data[offset + i] ^= mask[i];
        }

        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(mask);
    }
}
