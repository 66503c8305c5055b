using Vtpm.Storage;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A disk that can be read, and written to as long as it does not fail.</summary>
internal sealed class FailingStore(IBlockStore inner) : IBlockStore
{
    public bool Fails { get; set; }

    public long Length => inner.Length;

    public void Read(long offset, Span<byte> destination) => inner.Read(offset, destination);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (Fails) throw new IOException("the medium failed");
        inner.Write(offset, source);
    }

    public void Flush() => inner.Flush();

    public void Dispose() => inner.Dispose();
}
