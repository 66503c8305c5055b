using System.Text;

namespace Vtpm.Boot;

/// <summary>What is asked of a guest's disk; what is null is the disk's to say.</summary>
/// <param name="Kernel">The kernel's path; then no menu is read.</param>
/// <param name="Ramdisk">The initrd's path, with a kernel's.</param>
/// <param name="Entry">Which entry of the menu.</param>
/// <param name="Partition">The number of the partition, such as 1 for xvda1; 0 for a disk without partitions.</param>
public sealed record BootChoice(string? Kernel = null, string? Ramdisk = null, string? Entry = null, int? Partition = null);

/// <summary>An entry, and the file system that its files are in.</summary>
public sealed record FoundBoot(BootEntry Entry, ExtFileSystem FileSystem, string Where);

/// <summary>Finds on a guest's own disk what the guest is to be started with.</summary>
public static class BootSearch
{
    private static readonly string[] GrubFolders = ["/boot/grub", "/grub", "/boot/grub2", "/grub2"];
    private static readonly string[] EntryFolders = ["/boot/loader/entries", "/loader/entries"];
    private static readonly (string Kernel, string Initrd)[] Links = [("/vmlinuz", "/initrd.img"), ("/boot/vmlinuz", "/boot/initrd.img")];

    /// <exception cref="BootException">There is nothing, or not what was asked for.</exception>
    public static FoundBoot Find(GuestDisk disk, BootChoice choice)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(choice);
        return Find((IDisk)disk, choice);
    }

    internal static FoundBoot Find(IDisk disk, BootChoice choice)
    {
        var seen = new List<string>();
        foreach ((string where, IDisk part) in Parts(disk, choice.Partition))
        {
            if (TryOpen(part, out string why) is not { } fileSystem)
            {
                seen.Add($"{where} {why}");
                continue;
            }

            if (Look(fileSystem, choice) is { } entry) return new FoundBoot(entry, fileSystem, where);
            seen.Add($"{where} has no such file");
        }

        string wanted = choice.Kernel is { } kernel ? $"a kernel {kernel}" : "a grub.cfg, loader/entries or a link vmlinuz that starts a kernel";
        throw new BootException($"{wanted} was looked for on the guest's disk: {(seen.Count == 0 ? "there is no such partition" : string.Join(", ", seen))}");
    }

    private static IEnumerable<(string Where, IDisk Part)> Parts(IDisk disk, int? number)
    {
        // A file system's first sector can look like a table: the file system counts.
        bool isWhole = ExtFileSystem.TryOpen(disk) is not null;
        IReadOnlyList<Partition> partitions = isWhole ? [] : PartitionTable.Read(disk);
        if (partitions.Count == 0 && number is null or 0) yield return ("the disk", disk);
        foreach (Partition partition in partitions)
            if (number is null || number == partition.Number) yield return ($"partition {partition.Number}", partition.Content);
    }

    /// <summary>A partition that is damaged, or of a newer kind, need not be the one that the guest starts from.</summary>
    private static ExtFileSystem? TryOpen(IDisk part, out string why)
    {
        why = "is no ext2, ext3 or ext4";
        try
        {
            return ExtFileSystem.TryOpen(part);
        }
        catch (BootException exception)
        {
            why = $"is not to be read ({exception.Message})";
            return null;
        }
    }

    private static BootEntry? Look(ExtFileSystem files, BootChoice choice)
    {
        if (choice.Kernel is { } kernel)
            return Exists(files, kernel) ? new BootEntry("the kernel that was asked for", kernel, choice.Ramdisk is { } initrd ? [initrd] : [], "") : null;
        return LookForGrub(files, choice.Entry) ?? LookForEntries(files, choice.Entry) ?? (choice.Entry is null ? LookForLinks(files) : null);
    }

    private static BootEntry? LookForGrub(ExtFileSystem files, string? choice)
    {
        foreach (string folder in GrubFolders)
        {
            if (files.ReadFile($"{folder}/grub.cfg", GrubConfiguration.LongestFile) is not { } file) continue;
            var menu = GrubConfiguration.Parse(file, files.ReadFile($"{folder}/grubenv", GrubConfiguration.LongestFile) ?? []);
            // A menu that starts nothing leaves it to the entries beside it, as Fedora's does.
            if (menu.Choose() is { } own) return choice is null ? own : menu.Choose(choice);
        }

        return null;
    }

    private static BootEntry? LookForEntries(ExtFileSystem files, string? choice)
    {
        // One for all of the entries, and none where there are no entries.
        var environment = new Lazy<Dictionary<string, string>>(() => GrubEnvironment(files));
        foreach (string folder in EntryFolders)
        {
            IEnumerable<string> names = files.List(folder).Where(name => name.EndsWith(".conf", StringComparison.Ordinal));
            foreach (string name in BootLoaderSpecification.Newest(names))
            {
                if (files.ReadFile($"{folder}/{name}", BootLoaderSpecification.LongestFile) is not { } file) continue;
                BootEntry? entry = BootLoaderSpecification.Parse(file, environment.Value);
                if (entry is not null && (choice is null || choice == entry.Title || choice == name[..^5])) return entry;
            }
        }

        return null;
    }

    private static Dictionary<string, string> GrubEnvironment(ExtFileSystem files)
    {
        byte[]? file = GrubFolders.Select(folder => files.ReadFile($"{folder}/grubenv", GrubConfiguration.LongestFile)).FirstOrDefault(found => found is not null);
        return GrubConfiguration.ReadEnvironment(Encoding.Latin1.GetString(file ?? []));
    }

    private static BootEntry? LookForLinks(ExtFileSystem files)
    {
        foreach ((string kernel, string initrd) in Links)
            if (Exists(files, kernel)) return new BootEntry(kernel, kernel, Exists(files, initrd) ? [initrd] : [], "");
        return null;
    }

    private static bool Exists(ExtFileSystem files, string path)
    {
        using Stream? file = files.OpenFile(path);
        return file is not null;
    }
}
