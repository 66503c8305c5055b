using System.CommandLine;
using System.Text;
using Vtpm.Boot;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>The files that a guest is started with, by options or by its configuration.</summary>
internal sealed class BootFileOptions
{
    public Option<string> Kernel { get; } = new("--kernel") { Description = "The kernel's file, where there is no configuration.", HelpName = "FILE" };

    public Option<string> Ramdisk { get; } = new("--ramdisk") { Description = "The initrd's file.", HelpName = "FILE" };

    public Option<string> CommandLine { get; } = new("--command-line") { Description = "The kernel's command line.", HelpName = "TEXT" };

    public BootFiles Read(ParseResult result, XlGuest? guest)
    {
        (string? kernel, string? ramdisk, string? commandLine) = (result.GetValue(Kernel), result.GetValue(Ramdisk), result.GetValue(CommandLine));
        if (guest is null)
            return new BootFiles(
                kernel ?? throw new UsageException("name the guest's configuration, or its kernel by --kernel"), ramdisk, Encoding.UTF8.GetBytes(commandLine ?? ""));
        if ((kernel ?? ramdisk ?? commandLine) is not null)
            throw new UsageException("--kernel, --ramdisk and --command-line are instead of a configuration: xl starts what that says");
        return new BootFiles(guest.Kernel, guest.Ramdisk, guest.CommandLine);
    }
}

/// <param name="Kernel">Its file.</param>
/// <param name="Ramdisk">The initrd's file, if there is one.</param>
/// <param name="CommandLine">Its bytes.</param>
internal sealed record BootFiles(string Kernel, string? Ramdisk, ReadOnlyMemory<byte> CommandLine)
{
    public MeasuredBoot Measure() =>
        new(Measure(Kernel), MeasuredBoot.Of(CommandLine), Ramdisk is null ? TpmDigest.Of([]) : Measure(Ramdisk));

    private static TpmDigest Measure(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return MeasuredCopy.Of([file], destination: null, MeasuredCopy.Longest, out _);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or BootException)
        {
            throw new CommandException($"{path} cannot be measured: {exception.Message}");
        }
    }
}
