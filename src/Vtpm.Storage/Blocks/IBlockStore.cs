namespace Vtpm.Storage;

/// <summary>
/// Bytes at fixed positions that survive the process: an image file, a block device, or memory in tests. Not thread-safe: an image has one user.
/// </summary>
/// <remarks>Every failure is an <see cref="IOException"/>. A write is durable only when a later <see cref="Flush"/> has returned.</remarks>
public interface IBlockStore : IDisposable
{
    /// <summary>Bytes it holds; never changes.</summary>
    long Length { get; }

    /// <summary>Fills the whole of <paramref name="destination"/>.</summary>
    void Read(long offset, Span<byte> destination);

    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>The barrier: returns when everything written before is on the medium.</summary>
    void Flush();
}
