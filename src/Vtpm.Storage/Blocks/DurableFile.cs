using Microsoft.Win32.SafeHandles;

namespace Vtpm.Storage;

/// <summary>A file or block device that only this process has open, read and written at positions, with a barrier.</summary>
internal sealed class DurableFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // The owner of the handle: kept so that the collector does not take one without the other.
    private readonly FileStream _stream;

    private DurableFile(FileStream stream, string path)
    {
        _stream = stream;
        // Once: each time that it is asked for, the stream sets the file's position, which is a system call and means nothing here.
        Handle = stream.SafeFileHandle;
        Path = path;
    }

    public string Path { get; private set; }

    public SafeFileHandle Handle { get; }

    /// <exception cref="StorageException">Absent, forbidden, or open elsewhere.</exception>
    public static DurableFile Open(string path)
    {
        try
        {
            return new DurableFile(new FileStream(path, Options(FileMode.Open)), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw StorageFaults.Opening(path, error);
        }
    }

    /// <summary>What is there, or an empty file, readable by its owner alone.</summary>
    /// <exception cref="StorageException">Forbidden, or open elsewhere.</exception>
    public static DurableFile OpenOrMake(string path)
    {
        try
        {
            return new DurableFile(new FileStream(path, Options(FileMode.OpenOrCreate)), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw StorageFaults.Opening(path, error);
        }
    }

    /// <summary>What another process has opened, and locked, to hand it on.</summary>
    /// <param name="handle">Becomes this file's.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="StorageException">It is neither a file nor a device, or not open to read and write.</exception>
    public static DurableFile Take(SafeFileHandle handle, string name)
    {
        try
        {
            return new DurableFile(new FileStream(handle, FileAccess.ReadWrite, bufferSize: 0), name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new StorageException(StorageFault.Unsuitable, $"{name}: the descriptor is no file or block device that is open to read and write", error);
        }
    }

    /// <summary>Only to be read, and by others at the same time; not while somebody has it open to write.</summary>
    /// <exception cref="StorageException">Absent, forbidden, or open elsewhere.</exception>
    public static DurableFile OpenToRead(string path)
    {
        try
        {
            return new DurableFile(new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read, BufferSize = 0 }), path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw StorageFaults.Opening(path, error);
        }
    }

    /// <summary>
    /// A new file that appears under its name only when its content is durable, so that a crash leaves either no file or a whole one. Readable by
    /// its owner alone. The name is durable after <see cref="FlushName"/>: apart, so that a failure there does not lose the file that has the name.
    /// </summary>
    /// <returns>Null when the name is taken and <paramref name="replace"/> was not asked for.</returns>
    /// <exception cref="StorageException">It cannot be made, or another process is making it.</exception>
    public static DurableFile? Create(string path, Action<DurableFile> fill, bool replace)
    {
        string temporary = path + ".new";
        DurableFile? file = null;
        try
        {
            // Whoever is to rename the temporary file holds its lock, so nobody else can take the final name between the look and the rename. What
            // a crash left under the temporary name is used again, never removed: removing it could hit somebody else's.
            file = new DurableFile(new FileStream(temporary, Options(FileMode.OpenOrCreate)), temporary);
            if (!replace && File.Exists(path))
            {
                File.Delete(temporary);
                file.Dispose();
                return null;
            }

            file.Empty();
            fill(file);
            file.Flush();
            File.Move(temporary, path, replace);
            file.Path = path;
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            file?.Discard();
            if (error is StorageException) throw;
            throw StorageFaults.Opening(path, error);
        }
    }

    /// <summary>The length, also of a block device, whose status says zero.</summary>
    public long FindLength()
    {
        try
        {
            long length = RandomAccess.GetLength(Handle);
            return length > 0 ? length : DeviceLength.Probe(HasByteAt);
        }
        catch (Exception error) when (error is IOException or NotSupportedException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageFault.Unsuitable, $"{Path} is neither a file nor a block device; name one of these", error);
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            while (destination.Length > 0)
            {
                int count = RandomAccess.Read(Handle, destination, offset);
                if (count == 0) throw new StorageException(StorageFault.InputOutput, $"{Path} ends at byte {offset}, before what should be there");
                offset += count;
                destination = destination[count..];
            }
        }
        catch (Exception error) when (error is not StorageException and (IOException or UnauthorizedAccessException))
        {
            throw new StorageException(StorageFault.InputOutput, $"reading {Path} at byte {offset} failed; check the medium", error);
        }
    }

    /// <remarks>A file that may not grow so large (EFBIG) is what the base library has an ArgumentOutOfRangeException for.</remarks>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            RandomAccess.Write(Handle, source, offset);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw new StorageException(StorageFault.InputOutput,
                $"writing {Path} at byte {offset} failed; check the medium and its free space", error);
        }
    }

    public void Flush()
    {
        try
        {
            RandomAccess.FlushToDisk(Handle);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageFault.InputOutput, $"flushing {Path} failed; check the medium and its free space", error);
        }
    }

    /// <summary>Takes the place of whatever has that name; durable after <see cref="FlushName"/>.</summary>
    public void MoveTo(string path)
    {
        try
        {
            File.Move(Path, path, overwrite: true);
            Path = path;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(StorageFault.InputOutput, $"{Path} cannot be renamed to {path}; check the directory", error);
        }
    }

    public void FlushName()
    {
        try
        {
            DirectorySync.Flush(Path);
        }
        catch (IOException error)
        {
            throw new StorageException(StorageFault.InputOutput,
                $"flushing the directory of {Path} failed; check the medium and its free space", error);
        }
    }

    public void Dispose() => _stream.Dispose();

    // FileShare.None is an exclusive flock on Linux: the second process is refused. UnixCreateMode may only be given when a file is created.
    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (mode == FileMode.OpenOrCreate && !OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return options;
    }

    // A file that could not be finished: its blocks and secrets go, its name stays.
    private void Discard()
    {
        try
        {
            Empty();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to tell.
        }

        Dispose();
    }

    private void Empty()
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Handle, OwnerOnly);
        RandomAccess.SetLength(Handle, 0);
    }

    private bool HasByteAt(long offset)
    {
        Span<byte> probe = stackalloc byte[1];
        return RandomAccess.Read(Handle, probe, offset) == 1;
    }
}
