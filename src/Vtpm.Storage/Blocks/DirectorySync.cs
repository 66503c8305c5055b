using Microsoft.Win32.SafeHandles;

namespace Vtpm.Storage;

/// <summary>
/// Makes the name of a new file durable. The runtime refuses to open a directory as a file, but an enumeration holds one open: its descriptor
/// is found under /proc and flushed.
/// </summary>
/// <remarks>
/// Where there is no /proc (an empty chroot), or the directory may not be listed, nothing is done here, and the name rests on the flush of the
/// file itself, which commits it on the journalling file systems of Linux.
/// </remarks>
internal static class DirectorySync
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>Flushes the directory that holds <paramref name="path"/>. Returns how many descriptors were flushed.</summary>
    public static int Flush(string path)
    {
        string full = Path.GetFullPath(path);
        string? directory = Path.GetDirectoryName(full);
        if (directory is null || !Directory.Exists(Descriptors)) return 0;

        using IEnumerator<string>? held = Hold(directory);
        int flushed = 0;
        foreach (string descriptor in Directory.GetFileSystemEntries(Descriptors))
        {
            // Through the descriptor, so that symbolic links in the path do not matter. Another open directory with a file of that name is
            // flushed as well, which does no harm.
            if (!File.Exists(Path.Combine(descriptor, Path.GetFileName(full)))) continue;
            if (!int.TryParse(Path.GetFileName(descriptor), out int number)) continue;
            using var handle = new SafeFileHandle(number, ownsHandle: false);
            RandomAccess.FlushToDisk(handle);
            flushed++;
        }

        return flushed;
    }

    // A directory that may be entered but not listed cannot be held.
    private static IEnumerator<string>? Hold(string directory)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(directory).GetEnumerator();
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
