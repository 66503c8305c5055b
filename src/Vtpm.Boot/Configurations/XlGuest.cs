using System.Collections.Immutable;
using System.Text;

namespace Vtpm.Boot;

/// <summary>What an xl configuration says about a guest's start and its vTPMs, as xl makes it out.</summary>
public sealed record XlGuest
{
    /// <summary>What the page that a paravirtualized guest finds its command line in has room for; xl cuts what is longer, and says nothing.</summary>
    private const int LongestPvCommandLine = 1023;

    /// <summary>Linux's own limit, on x86.</summary>
    private const int LongestCommandLine = 2047;

    private XlGuest()
    {
    }

    /// <summary>The guest's kernel, a file of this domain.</summary>
    public required string Kernel { get; init; }

    /// <summary>The initrd; null without one.</summary>
    public string? Ramdisk { get; init; }

    /// <summary>The kernel's command line, in bytes and without an end.</summary>
    public required ReadOnlyMemory<byte> CommandLine { get; init; }

    /// <summary>The guest's vTPMs.</summary>
    public required ImmutableArray<XlVtpm> Vtpms { get; init; }

    /// <exception cref="BootException">Xl would not start the guest so, or what it starts is not to be known from the configuration.</exception>
    public static XlGuest From(XlConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        string type = configuration.Text("type") ?? (configuration.Text("builder") == "hvm" ? "hvm" : "pv");
        if (type is not ("pv" or "pvh" or "hvm")) throw new BootException($"type=\"{type}\" is none of pv, pvh and hvm");
        bool isHvm = type == "hvm";
        // Xl runs a boot loader for guests of the other types alone.
        if (!isHvm && configuration.Text("bootloader") is { } loader)
            throw new BootException(
                $"its bootloader= ({loader}) takes the guest's kernel from the guest's disk, and only then it is known what starts: let "
                + "bootloader=\"vtpm-bootloader\" do both, or name the files by --kernel, --ramdisk and --command-line");
        if (configuration.Text("kernel") is not { Length: > 0 } kernel)
            throw new BootException(isHvm
                ? "it has no kernel=: the guest's firmware starts what is on the guest's disk, and nothing here knows what that is"
                : "it has neither kernel= nor bootloader=");
        return new XlGuest
        {
            Kernel = kernel,
            Ramdisk = configuration.Text("ramdisk") is { Length: > 0 } ramdisk ? ramdisk : null,
            CommandLine = Checked(FormCommandLine(configuration), type == "pv" ? LongestPvCommandLine : LongestCommandLine),
            Vtpms = [.. configuration.List("vtpm").Select(XlVtpm.Parse)],
        };
    }

    /// <summary>Xl takes <c>cmdline=</c>, or else <c>root=</c> and <c>extra=</c> with a blank between them.</summary>
    private static string FormCommandLine(XlConfiguration configuration)
    {
        if (configuration.Text("cmdline") is { } line) return line;
        (string? root, string? extra) = (configuration.Text("root"), configuration.Text("extra"));
        return (root, extra) switch
        {
            (null, _) => extra ?? "",
            (_, null) => $"root={root}",
            _ => $"root={root} {extra}",
        };
    }

    private static byte[] Checked(string commandLine, int longest)
    {
        if (commandLine.Length > longest)
            throw new BootException($"the guest's command line has {commandLine.Length} bytes and the guest would get {longest} of them: make it shorter");
        return Encoding.Latin1.GetBytes(commandLine);
    }
}
