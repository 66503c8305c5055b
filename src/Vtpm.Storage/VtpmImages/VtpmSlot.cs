using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>One slot of a vTPM's image: UINT32 length, then the vector whose last four bytes are the clear length, then the ciphertext.</summary>
internal static class VtpmSlot
{
    public const int BlockSize = 16;
    public const int Overhead = LengthSize + VectorSize;

    private const int LengthSize = 4;
    private const int VectorSize = BlockSize;
    private const int VectorRandom = VectorSize - LengthSize;
    private const int ChunkSize = 64 * 1024;

    /// <summary>The whole slot, ready to be written.</summary>
    public static byte[] Encrypt(ReadOnlySpan<byte> state, ReadOnlySpan<byte> key)
    {
        int padded = (state.Length + BlockSize - 1) / BlockSize * BlockSize;
        var slot = new byte[Overhead + padded];
        BinaryPrimitives.WriteInt32BigEndian(slot, VectorSize + padded);
        Span<byte> vector = slot.AsSpan(LengthSize, VectorSize);
        RandomNumberGenerator.Fill(vector[..VectorRandom]);
        BinaryPrimitives.WriteInt32BigEndian(vector[VectorRandom..], state.Length);
        using var aes = Aes.Create();
        aes.SetKey(key);
        aes.EncryptCbc(state, vector, slot.AsSpan(Overhead), PaddingMode.Zeros);
        return slot;
    }

    public static void Hash(ReadOnlySpan<byte> slot, Span<byte> hash) => SHA1.HashData(slot[LengthSize..], hash);

    /// <summary>
    /// Vector and ciphertext of the slot at <paramref name="offset"/> if their hash is the given one. The length on the disk is believed only so
    /// far as to hash that many bytes in chunks; memory is taken once the hash has matched.
    /// </summary>
    public static byte[]? ReadMatching(IBlockStore store, long offset, long capacity, ReadOnlySpan<byte> hash)
    {
        Span<byte> prefix = stackalloc byte[LengthSize];
        store.Read(offset, prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix);
        if (length == 0 || length > VectorSize + capacity) return null;
        offset += LengthSize;
        if (!HashMatches(store, offset, (int)length, hash)) return null;

        var blob = new byte[length];
        store.Read(offset, blob);
        Span<byte> actual = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(blob, actual);
        return CryptographicOperations.FixedTimeEquals(actual, hash) ? blob : null;
    }

    public static bool TryDecrypt(ReadOnlySpan<byte> blob, ReadOnlySpan<byte> key, out byte[] state)
    {
        state = [];
        if (blob.Length < VectorSize || blob.Length % BlockSize != 0) return false;
        ReadOnlySpan<byte> vector = blob[..VectorSize];
        ReadOnlySpan<byte> ciphertext = blob[VectorSize..];
        uint length = BinaryPrimitives.ReadUInt32BigEndian(vector[VectorRandom..]);
        if (length > ciphertext.Length) return false;

        var clear = GC.AllocateUninitializedArray<byte>(ciphertext.Length);
        using var aes = Aes.Create();
        aes.SetKey(key);
        aes.DecryptCbc(ciphertext, vector, clear, PaddingMode.None);
        state = clear.AsSpan(0, (int)length).ToArray();
        CryptographicOperations.ZeroMemory(clear);
        return true;
    }

    private static bool HashMatches(IBlockStore store, long offset, int length, ReadOnlySpan<byte> hash)
    {
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        var chunk = new byte[Math.Min(length, ChunkSize)];
        for (int done = 0; done < length; done += chunk.Length)
        {
            Span<byte> part = chunk.AsSpan(0, Math.Min(chunk.Length, length - done));
            store.Read(offset + done, part);
            sha1.AppendData(part);
        }

        Span<byte> actual = stackalloc byte[SHA1.HashSizeInBytes];
        sha1.GetHashAndReset(actual);
        return CryptographicOperations.FixedTimeEquals(actual, hash);
    }
}
