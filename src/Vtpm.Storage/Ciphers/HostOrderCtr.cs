using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>
/// AES-CTR as the original's images have it: the counter block is two 64-bit halves, and the second one counts as the little-endian word that
/// an x86 makes of it, with no carry into the first. Existing images are so; it is not the CTR of SP 800-38A.
/// </summary>
internal static class HostOrderCtr
{
    public const int CounterSize = 16;

    private const int ChunkSize = 4096;

    /// <summary>Encrypts or decrypts in place.</summary>
    public static void Transform(Aes aes, ReadOnlySpan<byte> counter, Span<byte> data)
    {
        ulong second = BinaryPrimitives.ReadUInt64LittleEndian(counter[8..]);
        Span<byte> stream = stackalloc byte[ChunkSize];
        while (data.Length > 0)
        {
            int take = Math.Min(ChunkSize, data.Length);
            int blocks = (take + CounterSize - 1) / CounterSize * CounterSize;
            for (int i = 0; i < blocks; i += CounterSize)
            {
                counter[..8].CopyTo(stream[i..]);
                BinaryPrimitives.WriteUInt64LittleEndian(stream[(i + 8)..], unchecked(second++));
            }

            aes.EncryptEcb(stream[..blocks], stream[..blocks], PaddingMode.None);
            for (int i = 0; i < take; i++) data[i] ^= stream[i];
            data = data[take..];
        }

        CryptographicOperations.ZeroMemory(stream);
    }
}
