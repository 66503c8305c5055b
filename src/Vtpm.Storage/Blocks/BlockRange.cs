namespace Vtpm.Storage;

/// <summary>What the stores and images share about ranges of a store.</summary>
internal static class BlockRange
{
    private const int ChunkSize = 64 * 1024;
    private const long LargestLookedAt = 64 * 1024 * 1024;

    /// <exception cref="StorageException">The range is not inside the store.</exception>
    public static void Check(IBlockStore store, long offset, int length)
    {
        if (offset < 0 || offset > store.Length - length)
            throw new StorageException(StorageFault.InputOutput,
                $"bytes {offset} to {offset + length} are outside the {store.Length} bytes of the store");
    }

    /// <summary>
    /// Whether nothing was ever stored: a new file or a wiped device. The whole is looked at, not only a header, because the first blocks of
    /// somebody's file system may well be zero; of a large device, the part where any file system has begun.
    /// </summary>
    public static bool IsZero(IBlockStore store)
    {
        var chunk = new byte[ChunkSize];
        long end = Math.Min(store.Length, LargestLookedAt);
        for (long offset = 0; offset < end; offset += ChunkSize)
        {
            Span<byte> part = chunk.AsSpan(0, (int)Math.Min(ChunkSize, end - offset));
            store.Read(offset, part);
            if (part.ContainsAnyExcept((byte)0)) return false;
        }

        return true;
    }
}
