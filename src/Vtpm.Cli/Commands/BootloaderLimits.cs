using System.CommandLine;
using System.Globalization;
using Vtpm.Boot;

namespace Vtpm.Cli;

/// <summary>What a guest may take of dom0's disk or memory for its start, where the files of its own disk are copied.</summary>
internal sealed class BootloaderLimits
{
    private const int DefaultKernel = 64;
    private const int DefaultRamdisk = 256;

    /// <summary>What the rest of the domain is left with, where a copy would take all.</summary>
    private const long Reserve = 64 << 20;

    public Option<int> Kernel { get; } = Limit("--max-kernel", "kernel", DefaultKernel);

    public Option<int> Ramdisk { get; } = Limit("--max-ramdisk", "initrd", DefaultRamdisk);

    public BootSize Read(ParseResult result) => new((long)result.GetValue(Kernel) << 20, (long)result.GetValue(Ramdisk) << 20);

    /// <summary>Before a byte is copied: what the guest's disk says that there is must be allowed, and have its place.</summary>
    /// <exception cref="CommandException">It is too much.</exception>
    public void Check(BootSize size, BootSize most, string folder)
    {
        if (size.Kernel > most.Kernel) throw TooLong("kernel", size.Kernel, most.Kernel, Kernel.Name);
        if (size.Initrd > most.Initrd) throw TooLong("initrd", size.Initrd, most.Initrd, Ramdisk.Name);
        long room = RoomIn(folder), needed = size.Kernel + size.Initrd;
        if (needed > room - Reserve)
            throw new CommandException(
                $"there is no room for the guest's kernel and initrd: they have {MiB(needed)} MiB, and {folder} has {MiB(Math.Max(room, 0))}, of which {MiB(Reserve)} stay free");
    }

    private static CommandException TooLong(string what, long size, long most, string option) =>
        new($"the guest's {what} has {MiB(size)} MiB, and at most {MiB(most)} are copied: {option}=MIB allows more");

    /// <summary>What the folder's file system has left. One that is in memory may have none of it: the memory counts.</summary>
    private static long RoomIn(string folder)
    {
        var drive = new DriveInfo(Path.GetFullPath(folder));
        if (drive.DriveType != DriveType.Ram) return drive.AvailableFreeSpace;
        // ramfs has no size of its own.
        return drive.TotalSize == 0 ? AvailableMemory() : Math.Min(drive.AvailableFreeSpace, AvailableMemory());
    }

    private static long AvailableMemory()
    {
        const string name = "MemAvailable:";
        string line = File.ReadLines("/proc/meminfo").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(name.Length).Trim(" kB"), NumberStyles.None, CultureInfo.InvariantCulture) << 10;
    }

    private static long MiB(long bytes) => (bytes >> 20) + ((bytes & ((1 << 20) - 1)) == 0 ? 0 : 1);

    private static Option<int> Limit(string name, string what, int value) => new(name)
    {
        Description = $"How long the guest's {what} may be, in MiB: it is copied, and must not fill this domain.",
        HelpName = "MIB",
        DefaultValueFactory = _ => value,
        CustomParser = result =>
        {
            const int most = (int)(MeasuredCopy.Longest >> 20);
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= most) return number;
            result.AddError($"{name}={text}: write a number of MiB from 1 to {most}");
            return 0;
        },
    };
}
