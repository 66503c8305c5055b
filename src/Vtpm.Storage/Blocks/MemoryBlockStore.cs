namespace Vtpm.Storage;

/// <summary>A store that ends with the process: for tests, and for instances that keep nothing.</summary>
public sealed class MemoryBlockStore(byte[] bytes) : IBlockStore
{
    public MemoryBlockStore(int length)
        : this(new byte[length])
    {
    }

    public long Length => bytes.Length;

    public void Read(long offset, Span<byte> destination)
    {
        BlockRange.Check(this, offset, destination.Length);
        bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        BlockRange.Check(this, offset, source.Length);
        source.CopyTo(bytes.AsSpan((int)offset));
    }

    public void Flush()
    {
        // Memory has nothing behind it.
    }

    public void Dispose()
    {
        // The array belongs to the caller.
    }
}
