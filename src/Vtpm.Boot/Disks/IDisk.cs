namespace Vtpm.Boot;

/// <summary>Bytes of a guest's disk, or of a part of it. What they say is the guest's, and not to be believed.</summary>
internal interface IDisk
{
    /// <summary>Reads all of <paramref name="buffer"/>.</summary>
    /// <exception cref="BootException">It is not all there.</exception>
    void Read(long offset, Span<byte> buffer);

    /// <summary>Reads what a file has no place on the disk for: zeroes, which cost time all the same.</summary>
    /// <exception cref="BootException">It was too much, all in all.</exception>
    void ReadHole(Span<byte> buffer);
}

/// <summary>A part of a disk.</summary>
/// <param name="disk">The whole.</param>
/// <param name="start">Where it begins.</param>
/// <param name="length">Its bytes.</param>
internal sealed class DiskPart(IDisk disk, long start, long length) : IDisk
{
    public void Read(long offset, Span<byte> buffer)
    {
        if (offset < 0 || offset > length - buffer.Length) throw new BootException("the guest's file system points outside of its partition");
        disk.Read(start + offset, buffer);
    }

    public void ReadHole(Span<byte> buffer) => disk.ReadHole(buffer);
}
