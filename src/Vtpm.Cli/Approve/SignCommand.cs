using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Vtpm.Manager;

namespace Vtpm.Cli;

/// <summary><c>vtpm approve sign</c>: the signed list.</summary>
internal static class SignCommand
{
    private const string Description = """
        Signs a list of the platforms on which a group opens, and of the kernels that it admits, for 'vtpm manage group-update'.

        The arguments are those of Xen's calc.pl, and so is the SEQ environment variable. The list takes the place of the group's last one, and its
        sequence number has to be higher. A platform is what 'vtpm approve composite' prints. A kernel is 40 hex digits, the vTPM's kernel hash; or
        label:TEXT, the XSM label of the vTPM's domain, or that of a vTPM on a socket, UUID:vtpm:socket (*:vtpm:socket admits all of them); or exe:FILE,
        the program of a vTPM on a socket that measures its peers.

        Examples:
          vtpm approve sign --key authority.pem approved.1 $(vtpm approve composite) 'label:*:vtpm:socket'
              The machine that runs 'vtpm up' in ./vtpm-data, as it is.
          SEQ=7 vtpm approve sign --key authority.pem auth-7 0e00ff=0593ecb564f532df6ef2f4d7272489da52c4c840 2bc65001d506ce6cd12cab90a4a2ad9040d641e1
              As calc.pl has it.
        """;

    public static Command Create()
    {
        var key = new Option<string>("--key") { Description = "The authority's key.", HelpName = "KEYFILE", Required = true };
        var sequence = new Option<ulong?>("--sequence")
            { Description = "The list's number. [default: SEQ, or else the time in seconds since 1970]", HelpName = "N" };
        var group = new Option<Guid?>("--group")
            { Description = "The one group that the list is for. [default: every group of this authority]", HelpName = "UUID" };
        var original = new Option<bool>("--original-form")
            { Description = "Write the form of Xen's own manager: its signature does not cover the PCR masks." };
        var force = new Option<bool>("--force") { Description = "Replace OUTPUT when it is there." };
        var output = new Argument<string>("output") { Description = "Where the signed list is written.", HelpName = "OUTPUT" };
        var items = new Argument<string[]>("item")
        {
            Description = "PCRMASK=COMPOSITE for a platform; HEX, label:TEXT or exe:FILE for a kernel.",
            Arity = ArgumentArity.ZeroOrMore,
            HelpName = "ITEM",
        };
        var command = new Command("sign", Description) { key, sequence, group, original, force, output, items };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(output);
            ulong number = result.GetValue(sequence) ?? DefaultSequence();
            ApprovedList list = ApprovedList.Parse(number, result.GetValue(items) ?? []) with { Group = result.GetValue(group) };
            if (!result.GetValue(force)) UserFile.MustNotExist(path);
            using RSA rsa = KeyCommands.Load(result.GetRequiredValue(key));
            byte[] file = result.GetValue(original) ? list.SignOriginalForm(rsa) : list.Sign(rsa);
            if (result.GetValue(force)) UserFile.Replace(path, file);
            else UserFile.Create(path, file);
            Report(result, list, path);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static void Report(ParseResult result, ApprovedList list, string path)
    {
        if (!result.GetValue(Output.Json))
        {
            Log.Line($"Sequence: {list.Sequence}");
            Log.Line($"cfg_hash for {path}: {list.ConfigurationHash}");
            return;
        }

        Output.WriteObject(json =>
        {
            json.WriteString("file", path);
            json.WriteNumber("sequence", list.Sequence);
            json.WriteString("configHash", list.ConfigurationHash.ToString());
        });
    }

    private static ulong DefaultSequence()
    {
        // The original takes the time for 0 as well as for nothing.
        if (Environment.GetEnvironmentVariable("SEQ") is not { Length: > 0 } text || text == "0") return (ulong)DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong sequence)
            ? sequence
            : throw new UsageException($"SEQ={text}: the environment variable has to be a number, as the sequence of a list is");
    }
}
