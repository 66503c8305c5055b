using System.Text;
using Vtpm.Wire;

namespace Vtpm.Boot;

/// <summary>
/// Takes what a guest is to be started with from the guest's own disk: each byte is read once, hashed, and written where it will be started from.
/// What the disk says afterwards does not matter.
/// </summary>
public static class GuestBoot
{
    /// <summary>What the guest's disk says that there is to copy. It is the guest's: a file that grows meanwhile is given up when it is copied.</summary>
    /// <exception cref="BootException">A file is not there.</exception>
    public static BootSize SizeOf(FoundBoot found)
    {
        ArgumentNullException.ThrowIfNull(found);
        return new BootSize(Sum(found, [found.Entry.Kernel]), Sum(found, found.Entry.Initrds));
    }

    /// <param name="found">What was found.</param>
    /// <param name="arguments">More arguments for the kernel, after those of the entry; empty for none.</param>
    /// <param name="most">How many bytes there may be.</param>
    /// <param name="kernel">Takes the kernel.</param>
    /// <param name="initrd">Takes the initrd, which is put together as a boot loader does.</param>
    /// <param name="commandLine">The command line, which is a part of what was measured.</param>
    /// <exception cref="BootException">A file is not there, or too long.</exception>
    public static MeasuredBoot Take(FoundBoot found, string arguments, BootSize most, Stream kernel, Stream initrd, out byte[] commandLine)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(most);
        TpmDigest kernelDigest = Copy(found, [found.Entry.Kernel], most.Kernel, kernel);
        TpmDigest initrdDigest = Copy(found, found.Entry.Initrds, most.Initrd, initrd);
        // Xl drops blanks in front.
        string line = string.Join(' ', new[] { found.Entry.Arguments, arguments }.Where(part => part.Length > 0)).TrimStart(' ');
        if (line.Length > LongestCommandLine) throw new BootException($"the guest's command line has {line.Length} bytes; it gets {LongestCommandLine} at most");
        if (line.Any(char.IsControl)) throw new BootException("the guest's command line holds control characters");
        commandLine = Encoding.Latin1.GetBytes(line);
        return new MeasuredBoot(kernelDigest, MeasuredBoot.Of(commandLine), initrdDigest);
    }

    /// <summary>The least of the limits: that of a paravirtualized guest.</summary>
    private const int LongestCommandLine = 1023;

    private static long Sum(FoundBoot found, IReadOnlyList<string> paths)
    {
        long sum = 0;
        foreach (string path in paths)
        {
            using Stream file = Open(found, path);
            // The lengths are the guest's, too.
            sum += Math.Min(file.Length, long.MaxValue - sum);
        }

        return sum;
    }

    private static TpmDigest Copy(FoundBoot found, IReadOnlyList<string> paths, long longest, Stream destination)
    {
        TpmDigest digest = MeasuredCopy.Of(paths.Select(path => Open(found, path)), destination, longest, out long length);
        return length > 0 || paths.Count == 0 ? digest : throw new BootException($"the guest's {string.Join(' ', paths)} is empty");
    }

    private static Stream Open(FoundBoot found, string path) =>
        found.FileSystem.OpenFile(path) ?? throw new BootException($"{found.Where} of the guest's disk has no file {path}, which '{found.Entry.Title}' starts with");
}
