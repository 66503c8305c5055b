using Microsoft.Win32.SafeHandles;

namespace Vtpm.Boot;

/// <summary>A guest's disk, a file or a block device, which is only read.</summary>
public sealed class GuestDisk : IDisk, IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly ReadBudget _budget;

    private GuestDisk(SafeFileHandle file, long mostRead) => (_file, _budget) = (file, new ReadBudget(mostRead));

    /// <param name="path">The disk.</param>
    /// <param name="mostRead">Where reading it ends, in bytes: <see cref="BootSize.MostRead"/>.</param>
    /// <exception cref="BootException">There is none.</exception>
    public static GuestDisk Open(string path, long mostRead)
    {
        try
        {
            return new GuestDisk(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), mostRead);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new BootException($"the guest's disk {path} cannot be opened: {exception.Message}", exception);
        }
    }

    void IDisk.Read(long offset, Span<byte> buffer)
    {
        _budget.Take(buffer.Length);
        try
        {
            while (!buffer.IsEmpty)
            {
                int read = offset < 0 ? 0 : RandomAccess.Read(_file, buffer, offset);
                if (read == 0) throw new BootException("the guest's disk ends before what it says it holds");
                buffer = buffer[read..];
                offset += read;
            }
        }
        catch (IOException exception)
        {
            throw new BootException($"the guest's disk cannot be read: {exception.Message}", exception);
        }
    }

    void IDisk.ReadHole(Span<byte> buffer)
    {
        _budget.Take(buffer.Length);
        buffer.Clear();
    }

    public void Dispose() => _file.Dispose();
}
