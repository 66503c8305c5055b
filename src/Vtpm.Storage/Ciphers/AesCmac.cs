using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary><c>AES-CMAC</c>, RFC 4493. The runtime has none; CBC from a zero vector does the chaining.</summary>
public static class AesCmac
{
    public const int Size = 16;

    private const int ChunkSize = 4096;

    /// <summary>Writes the 16 bytes over <paramref name="message"/> into <paramref name="mac"/>.</summary>
    public static void Compute(Aes aes, ReadOnlySpan<byte> message, Span<byte> mac)
    {
        ArgumentNullException.ThrowIfNull(aes);
        Span<byte> chain = stackalloc byte[Size];
        chain.Clear();
        Span<byte> chunk = stackalloc byte[ChunkSize];
        bool last;
        do
        {
            // The subkey goes into the last block, which is there even when the message is empty.
            last = message.Length <= ChunkSize;
            int take = Math.Min(ChunkSize, message.Length);
            Span<byte> blocks = chunk[..Math.Max(Size, (take + Size - 1) / Size * Size)];
            message[..take].CopyTo(blocks);
            if (last) Finish(aes, blocks, take);
            aes.EncryptCbc(blocks, chain, blocks, PaddingMode.None);
            blocks[^Size..].CopyTo(chain);
            message = message[take..];
        }
        while (!last);

        chain.CopyTo(mac);
        CryptographicOperations.ZeroMemory(chunk);
    }

    public static bool Verify(Aes aes, ReadOnlySpan<byte> message, ReadOnlySpan<byte> mac)
    {
        Span<byte> expected = stackalloc byte[Size];
        Compute(aes, message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac);
    }

    // Pads the last block, and adds K1 to a complete one and K2 to a padded one (RFC 4493 §2.3 and §2.4).
    private static void Finish(Aes aes, Span<byte> blocks, int length)
    {
        if (length < blocks.Length)
        {
            blocks[length..].Clear();
            blocks[length] = 0x80;
        }

        Span<byte> subkey = stackalloc byte[Size];
        subkey.Clear();
        aes.EncryptEcb(subkey, subkey, PaddingMode.None);
        Double(subkey);
        if (length < blocks.Length) Double(subkey);
        for (int i = 0; i < Size; i++) blocks[blocks.Length - Size + i] ^= subkey[i];
        CryptographicOperations.ZeroMemory(subkey);
    }

    private static void Double(Span<byte> value)
    {
        int carry = -(value[0] >> 7) & 0x87;
        for (int i = 0; i < Size - 1; i++) value[i] = (byte)((value[i] << 1) | (value[i + 1] >> 7));
        value[Size - 1] = (byte)((value[Size - 1] << 1) ^ carry);
    }
}
