namespace Vtpm.Storage;

/// <summary>A store that nothing is written to, whatever is done with it.</summary>
internal sealed class ReadOnlyStore(IBlockStore store) : IBlockStore
{
    public long Length => store.Length;

    public void Read(long offset, Span<byte> destination) => store.Read(offset, destination);

    public void Write(long offset, ReadOnlySpan<byte> source) => throw new StorageException(StorageFault.AccessDenied, "the store is only read");

    public void Flush()
    {
        // There is nothing to make durable.
    }

    public void Dispose()
    {
        // It belongs to the caller.
    }
}
