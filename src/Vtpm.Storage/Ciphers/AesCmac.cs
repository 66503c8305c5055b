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
        Span<byte> scratch = stackalloc byte[ChunkSize];
        while (message.Length > Size)
        {
            int take = Math.Min(ChunkSize, (message.Length - 1) / Size * Size);
            aes.EncryptCbc(message[..take], chain, scratch, PaddingMode.None);
            scratch[(take - Size)..take].CopyTo(chain);
            message = message[take..];
        }

        Span<byte> last = stackalloc byte[Size];
        last.Clear();
        message.CopyTo(last);
        if (message.Length < Size) last[message.Length] = 0x80;

        Span<byte> subkey = stackalloc byte[Size];
        Subkey(aes, complete: message.Length == Size, subkey);
        for (int i = 0; i < Size; i++) last[i] ^= (byte)(chain[i] ^ subkey[i]);
        aes.EncryptEcb(last, mac[..Size], PaddingMode.None);
        CryptographicOperations.ZeroMemory(subkey);
    }

    public static bool Verify(Aes aes, ReadOnlySpan<byte> message, ReadOnlySpan<byte> mac)
    {
        Span<byte> expected = stackalloc byte[Size];
        Compute(aes, message, expected);
        return CryptographicOperations.FixedTimeEquals(expected, mac);
    }

    // K1 for a complete last block, K2 for a padded one (RFC 4493 §2.3).
    private static void Subkey(Aes aes, bool complete, Span<byte> subkey)
    {
        subkey.Clear();
        aes.EncryptEcb(subkey, subkey, PaddingMode.None);
        Double(subkey);
        if (!complete) Double(subkey);
    }

    private static void Double(Span<byte> value)
    {
        int carry = -(value[0] >> 7) & 0x87;
        for (int i = 0; i < Size - 1; i++) value[i] = (byte)((value[i] << 1) | (value[i + 1] >> 7));
        value[Size - 1] = (byte)((value[Size - 1] << 1) ^ carry);
    }
}
