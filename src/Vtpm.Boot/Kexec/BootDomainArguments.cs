using System.Globalization;

namespace Vtpm.Boot;

/// <summary>What the configuration of a guest that boots itself measured says to it, in <c>extra=</c>.</summary>
public sealed record BootDomainArguments
{
    private const string Known =
        "known are boot-disk=DEVICE, boot-partition=N, boot-entry=ENTRY, boot-kernel=PATH, boot-initrd=PATH, boot-root=DEVICE, boot-args=\"...\" and vtpm-label=LABEL";

    /// <summary>The disk that the guest is on.</summary>
    public string Disk { get; private init; } = "/dev/xvda";

    /// <summary>What of it.</summary>
    public BootChoice Choice { get; private init; } = new();

    /// <summary>More arguments for the guest's kernel.</summary>
    public string Arguments { get; private init; } = "";

    /// <summary>Who must have the vTPM; null where the guest boots also without one.</summary>
    public BootLabel? Label { get; private init; }

    /// <summary>Whether a word of the command line is for the boot, and not for the kernel.</summary>
    public static bool IsArgument(string word)
    {
        ArgumentNullException.ThrowIfNull(word);
        return word.StartsWith("boot-", StringComparison.Ordinal) || word.StartsWith("vtpm-label=", StringComparison.Ordinal);
    }

    /// <summary>The disk that the guest is on, for who waits for it; what is wrong with the words is for <see cref="Parse"/> to say.</summary>
    public static string DiskOf(IEnumerable<string> words)
    {
        const string name = "boot-disk=";
        return words.LastOrDefault(word => word.StartsWith(name, StringComparison.Ordinal)) is { } word && word.Length > name.Length
            ? PathOf(word[name.Length..])
            : new BootDomainArguments().Disk;
    }

    /// <exception cref="BootException">A word is none of these; the message says which there are.</exception>
    public static BootDomainArguments Parse(IEnumerable<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var arguments = new BootDomainArguments();
        foreach (string word in words)
        {
            string[] sides = word.Split('=', 2);
            if (sides is not [_, { Length: > 0 } value]) throw Unknown(word);
            arguments = sides[0] switch
            {
                "boot-disk" => arguments with { Disk = PathOf(value) },
                "boot-partition" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int partition) =>
                    arguments with { Choice = arguments.Choice with { Partition = partition } },
                "boot-entry" => arguments with { Choice = arguments.Choice with { Entry = value } },
                "boot-kernel" => arguments with { Choice = arguments.Choice with { Kernel = value } },
                "boot-initrd" => arguments with { Choice = arguments.Choice with { Ramdisk = value } },
                "boot-root" => arguments with { Arguments = Joined($"root={value}", arguments.Arguments) },
                "boot-args" => arguments with { Arguments = Joined(arguments.Arguments, value) },
                "vtpm-label" => arguments with { Label = new BootLabel(value) },
                _ => throw Unknown(word),
            };
        }

        if (arguments.Choice is { Ramdisk: not null, Kernel: null }) throw new BootException("boot-initrd= goes with boot-kernel=: a menu's entry has its own");
        return arguments;
    }

    private static string PathOf(string disk) => disk.StartsWith('/') ? disk : "/dev/" + disk;

    private static string Joined(string first, string second) => first.Length == 0 || second.Length == 0 ? first + second : $"{first} {second}";

    private static BootException Unknown(string word) => new($"'{word}' is not understood; {Known}");
}
