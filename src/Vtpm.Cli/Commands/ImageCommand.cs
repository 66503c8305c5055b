using System.CommandLine;
using System.Text.Json;
using Vtpm.Manager;
using Vtpm.Storage;

namespace Vtpm.Cli;

/// <summary><c>vtpm image</c>: looks at disk images.</summary>
internal static class ImageCommand
{
    private const string Description = """
        Verifies an image as far as keys allow, says what is wrong where, and changes nothing. Exit code 0: no damage found; 1: damage.

        A manager's image without the hardware TPM: its seal lists, which are in clear. With it (Xen's arguments come last, as for vtpm manager): every
        sector that either root refers to. The TPM is asked to unseal and left as it is. A vTPM's image: the form of its two slots; with what the manager
        keeps for it, which one is live, and whether it decrypts.

        An image that a manager or vTPM has open is refused: stop that one, or check a copy. A copy that was made meanwhile may have half of a save in it.

        Examples:
          vtpm image check manager.img
              What can be said without keys.
          vtpm image check manager.img tpmdriver=/dev/tpm0 srk_auth=@/root/srk
              Everything, by the hardware TPM that it is sealed by, on an approved platform.
          vtpm image check guest.img --hash 5ba93c9db0cff93f52b521d7420e43f6eda2784f --json
              Which slot of a vTPM's image is the one that the manager knows.
        """;

    public static Command Create() => new("image", "Looks at disk images: of a manager, of a vTPM.") { Output.Json, Check() };

    private static Command Check()
    {
        var file = new Argument<string>("file") { Description = "A file or a block device.", HelpName = "FILE" };
        var arguments = new Argument<string[]>("argument")
            { Description = "Xen's arguments, for a manager's image.", Arity = ArgumentArity.ZeroOrMore };
        var kind = new Option<string>("--kind") { Description = "What the image is of, where it does not tell: manager or vtpm.", HelpName = "KIND" };
        kind.AcceptOnlyFromAmong("manager", "vtpm");
        var hash = new Option<string>("--hash") { Description = "The hash that the manager keeps for a vTPM.", HelpName = "HEX" };
        var keyData = new Option<string>("--key-data") { Description = "A file with hash and key as LOADHASHKEY gives them.", HelpName = "FILE" };
        var command = new Command("check", Description) { file, kind, hash, keyData, arguments };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file);
            string[] hardware = result.GetValue(arguments) ?? [];
            ImageReport report = Run(path, new ImageVerificationOptions
            {
                Image = result.GetValue(kind) switch { "manager" => CheckedImage.Manager, "vtpm" => CheckedImage.Vtpm, _ => null },
                Hardware = hardware.Length == 0 ? null : ManagerArguments.Parse(hardware),
                HashKey = HashKey(result.GetValue(hash), result.GetValue(keyData)),
            });
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, report));
            else Print(path, report);
            return (int)(report.IsDamaged ? ExitCode.Failed : ExitCode.Ok);
        });
        return command;
    }

    private static ImageReport Run(string path, ImageVerificationOptions options)
    {
        try
        {
            return ImageVerification.Run(path, options);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.InUse)
        {
            throw new CommandException($"{path} is in use by a manager or vTPM: stop it, or check a copy of the image", ExitCode.Unavailable);
        }
    }

    private static byte[] HashKey(string? hash, string? keyData)
    {
        if (hash is not null && keyData is not null) throw new UsageException("give --hash or --key-data, not both: key data begin with the hash");
        try
        {
            byte[] bytes = hash is not null ? Convert.FromHexString(hash) : keyData is not null ? UserFile.Read(keyData) : [];
            if (hash is not null && bytes.Length != VtpmImage.HashSize)
                throw new UsageException($"--hash {hash}: a hash has {2 * VtpmImage.HashSize} hex digits");
            if (keyData is not null && bytes.Length is < VtpmImage.HashKeySize or > ManagerVtpm.KeyDataSize)
                throw new UsageException($"--key-data {keyData}: key data have {VtpmImage.HashKeySize} to {ManagerVtpm.KeyDataSize} bytes");
            return bytes;
        }
        catch (FormatException)
        {
            throw new UsageException($"--hash {hash}: write {2 * VtpmImage.HashSize} hex digits");
        }
    }

    private static void Print(string path, ImageReport report)
    {
        foreach (ImageFinding finding in report.Findings)
            Log.Line($"{finding.Kind.ToString().ToLowerInvariant(),-8} {Place(report, finding)}{finding.Text}");
        string what = report.Image switch { CheckedImage.Manager => "a manager's image", CheckedImage.Vtpm => "a vTPM's image", _ => "blank" };
        string verdict = report.IsDamaged ? "DAMAGED" : report.IsWhole ? "whole" : "nothing wrong in what could be verified";
        Log.Line($"{path}: {what}, {verdict}");
    }

    private static string Place(ImageReport report, ImageFinding finding)
    {
        var parts = new List<string>();
        if (finding.Root is { } root) parts.Add($"{(report.Image == CheckedImage.Manager ? "root" : "slot")} {root}");
        if (finding.Group is { } group) parts.Add($"group {group}");
        if (finding.Sector is { } sector) parts.Add($"sector {sector}");
        return parts.Count == 0 ? "" : $"{string.Join(", ", parts)}: ";
    }

    private static void Write(Utf8JsonWriter json, ImageReport report)
    {
        json.WriteString("image", report.Image.ToString().ToLowerInvariant());
        json.WriteBoolean("damaged", report.IsDamaged);
        json.WriteBoolean("whole", report.IsWhole);
        json.WriteStartArray("findings");
        foreach (ImageFinding finding in report.Findings)
        {
            json.WriteStartObject();
            json.WriteString("kind", finding.Kind.ToString().ToLowerInvariant());
            if (finding.Root is { } root) json.WriteNumber(report.Image == CheckedImage.Manager ? "root" : "slot", root);
            if (finding.Group is { } group) json.WriteNumber("group", group);
            if (finding.Sector is { } sector) json.WriteNumber("sector", sector);
            json.WriteString("text", finding.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
