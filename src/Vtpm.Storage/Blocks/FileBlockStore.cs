using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Storage;

/// <summary>An image file or a block device, open in this process alone; a barrier is an fsync.</summary>
public sealed class FileBlockStore : IBlockStore
{
    private const int ZeroChunk = 64 * 1024;

    private readonly DurableFile _file;

    private FileBlockStore(DurableFile file)
    {
        _file = file;
        try
        {
            Length = file.FindLength();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public long Length { get; }

    /// <summary>
    /// The open file, for a process that is started with it. The lock is of this store: disposing of it takes the lock back, though the other process has
    /// the file open; where this process is killed, the lock lasts as long as the other one has it.
    /// </summary>
    public SafeHandle Handle => _file.Handle;

    /// <summary>Opens what is there.</summary>
    /// <exception cref="StorageException">Absent, forbidden, in use, or neither file nor block device.</exception>
    public static FileBlockStore Open(string path) => new(DurableFile.Open(path));

    /// <summary>Opens what is there to be read alone: every write is refused. Not while another process has it open to write.</summary>
    /// <exception cref="StorageException">As <see cref="Open"/>.</exception>
    public static FileBlockStore OpenToRead(string path) => new(DurableFile.OpenToRead(path));

    /// <summary>Opens what is there, or makes a file of zeros, 0600, whose name and blocks are durable.</summary>
    /// <exception cref="StorageException">As <see cref="Open"/>, or the file cannot be made.</exception>
    public static FileBlockStore OpenOrCreate(string path, long length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);

        if (File.Exists(path) || DurableFile.Create(path, file => WriteZeros(file, length), replace: false) is not { } created) return Open(path);
        created.FlushName();
        return new FileBlockStore(created);
    }

    /// <summary>Opens what is there, or makes an empty file, 0600, for a process that is to fill it.</summary>
    /// <exception cref="StorageException">As <see cref="Open"/>, or the file cannot be made.</exception>
    public static FileBlockStore OpenOrMake(string path) => new(DurableFile.OpenOrMake(path));

    /// <summary>Makes a file of zeros under a name whose file, if there is one, it will take the place of by <see cref="MoveTo"/>; not durable.</summary>
    /// <exception cref="StorageException">As <see cref="Open"/>, or the file cannot be made.</exception>
    public static FileBlockStore Make(string path, long length)
    {
        DurableFile file = DurableFile.OpenOrMake(path);
        try
        {
            WriteZeros(file, length);
            return new FileBlockStore(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Takes over what another process has opened, and locked, to hand it on.</summary>
    /// <param name="handle">Becomes the store's.</param>
    /// <param name="name">For messages.</param>
    /// <param name="lengthOfNew">For a file that has just been made: it is filled with zeros, durably, unless it is as long already.</param>
    /// <exception cref="StorageException">It is neither a file nor a block device, or cannot be filled.</exception>
    public static FileBlockStore Take(SafeFileHandle handle, string name, long lengthOfNew = 0)
    {
        ArgumentNullException.ThrowIfNull(handle);
        DurableFile file = DurableFile.Take(handle, name);
        try
        {
            if (lengthOfNew > 0 && file.FindLength() < lengthOfNew)
            {
                WriteZeros(file, lengthOfNew);
                file.Flush();
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }

        return new FileBlockStore(file);
    }

    public void Read(long offset, Span<byte> destination)
    {
        BlockRange.Check(this, offset, destination.Length);
        _file.Read(offset, destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        BlockRange.Check(this, offset, source.Length);
        _file.Write(offset, source);
    }

    public void Flush() => _file.Flush();

    /// <summary>Gives the file another name, durably, in the place of whatever has it.</summary>
    /// <exception cref="StorageException">It keeps the one it has.</exception>
    public void MoveTo(string path)
    {
        _file.MoveTo(path);
        _file.FlushName();
    }

    public void Dispose() => _file.Dispose();

    // Written, not merely extended: a full file system then refuses the new file, not a save years later.
    private static void WriteZeros(DurableFile file, long length)
    {
        var zeros = new byte[ZeroChunk];
        for (long offset = 0; offset < length; offset += ZeroChunk)
            file.Write(offset, zeros.AsSpan(0, (int)Math.Min(ZeroChunk, length - offset)));
    }
}
