using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Vtpm.Manager;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm approve show</c>: what a signed list says, and whether it is signed.</summary>
internal static class ShowCommand
{
    private const string Description = """
        Shows what a signed list approves; with --modulus, whether the authority has signed it (exit code 1 when it has not).

        Examples:
          vtpm approve show approved.1 --modulus authority.modulus
        """;

    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A file of 'vtpm approve sign', or of Xen's calc.pl.", HelpName = "FILE" };
        var modulus = new Option<string>("--modulus") { Description = "The authority's modulus, or its public key in PEM form.", HelpName = "FILE" };
        var command = new Command("show", Description) { file, modulus };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file);
            SignedConfiguration approved = SignedConfiguration.Read(UserFile.Read(path))
                ?? throw new ApprovalException($"{path} is no signed list: a file of 'vtpm approve sign', or of Xen's calc.pl, is wanted");
            bool? isSigned = result.GetValue(modulus) is { } authority ? approved.IsSignedBy(AuthorityModulus.Parse(UserFile.Read(authority))) : null;
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, approved, isSigned));
            else Print(approved, isSigned);
            return (int)(isSigned == false ? ExitCode.Failed : ExitCode.Ok);
        });
        return command;
    }

    private static void Print(SignedConfiguration file, bool? isSigned)
    {
        ApprovedList list = ApprovedList.Of(file);
        Log.Line($"Sequence: {list.Sequence}{AsTime(list.Sequence)}");
        Log.Line($"cfg_hash: {list.ConfigurationHash}");
        Log.Line(file.CoversPcrs ? "Form: vTPMcfg2; everything is covered by the signature" : "Form: the original's; its PCR masks are covered by no signature");
        Log.Line($"Group: {list.Group?.ToString() ?? "every group of this authority"}");
        Log.Line("Platforms:");
        foreach (PlatformConfiguration platform in list.Platforms) Log.Line($"  {PlatformText.Of(platform.PcrMask, platform.DigestRelease)}");
        Log.Line("Kernels:");
        foreach (TpmDigest kernel in list.Kernels) Log.Line($"  {kernel}{KernelText.Describe(kernel)}");
        Log.Line($"Signature: {isSigned switch { true => "good", false => "NOT OF THIS AUTHORITY", null => "not checked; --modulus FILE does" }}");
    }

    private static void Write(Utf8JsonWriter json, SignedConfiguration file, bool? isSigned)
    {
        ApprovedList list = ApprovedList.Of(file);
        json.WriteNumber("sequence", list.Sequence);
        json.WriteString("configHash", list.ConfigurationHash.ToString());
        json.WriteString("form", file.CoversPcrs ? "vTPMcfg2" : "original");
        if (list.Group is { } group) json.WriteString("group", group);
        else json.WriteNull("group");
        json.WriteList("platforms", list.Platforms.Select(platform => PlatformText.Argument(platform)));
        json.WriteList("kernels", list.Kernels);
        if (isSigned is { } good) json.WriteBoolean("signed", good);
        else json.WriteNull("signed");
    }

    /// <summary>A number that is a time of this century, as calc.pl makes them, in words.</summary>
    private static string AsTime(ulong sequence) => sequence is > 946_684_800 and < 4_102_444_800
        ? string.Create(CultureInfo.InvariantCulture, $" ({DateTimeOffset.FromUnixTimeSeconds((long)sequence):yyyy-MM-dd HH:mm} UTC)")
        : "";
}
