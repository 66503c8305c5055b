using System.CommandLine;
using System.Globalization;
using System.Text;
using Vtpm.Client;
using Vtpm.Manager;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm approve composite</c>: what a machine is to be approved by.</summary>
internal static class CompositeCommand
{
    private const string Description = """
        Prints the composite hash of a machine's hardware PCRs, as 'vtpm approve sign' takes it.

        Examples:
          vtpm approve composite
              Of the machine that runs 'vtpm up' in ./vtpm-data; PCRs 0-7 and 17-19.
          vtpm approve composite --manager unix:admin.sock --pcrs 0-7
              By a manager's admin socket.
          vtpm approve composite --tpm /dev/tpm0
              Of the hardware TPM itself; within a guest, of the hardware TPM below its vTPM.
          vtpm approve composite --pcr-file machine7.pcrs --pcrs 0-7,17-19
              Of another machine, whose /sys/class/tpm/tpm0/pcrs was copied to this file.
        """;

    public static Command Create()
    {
        var link = new ManagementLink();
        link.Manager.Description = "A manager's admin socket. Without it, that of the chain in --dir.";
        link.Tpm.Description = "Instead of that, a TPM: the hardware's own, or a guest's, whose vTPM passes the question on.";
        var file = new Option<string>("--pcr-file")
            { Description = "Instead of that, a file of PCR values, in the form of /sys/class/tpm/tpm0/pcrs.", HelpName = "FILE" };
        var selection = new PcrOptions();
        var command = new Command("composite", Description) { selection.List, selection.Mask, link.Manager, link.Tpm, link.Dir, file };
        command.SetAction(result =>
        {
            uint pcrs = selection.Read(result);
            string? path = result.GetValue(file);
            if (path is not null && (result.GetValue(link.Manager) ?? result.GetValue(link.Tpm)) is not null)
                throw new UsageException("--pcr-file is instead of --manager and --tpm: give one of them");
            if (path is null && AskManager(link, result, pcrs) is { Family: VtpmManagerPlatformResponse.Tpm20 } platform)
            {
                if (result.GetValue(Output.Json)) Write(pcrs, platform);
                else Log.Line(PlatformText.Argument(pcrs, platform.Composite));
                return (int)ExitCode.Ok;
            }

            IReadOnlyDictionary<int, TpmDigest> values =
                path is null ? link.ReadHardwarePcrs(result) : PcrText.ParseFile(Encoding.ASCII.GetString(UserFile.Read(path)));
            TpmDigest composite = PcrList.Composite(pcrs, pcr => values.TryGetValue(pcr, out TpmDigest value) ? value : throw new ApprovalException($"{path} lacks PCR {pcr}"));
            if (result.GetValue(Output.Json)) Write(pcrs, composite, values);
            else Log.Line(PlatformText.Argument(pcrs, composite));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>A manager knows what its hardware's PCRs are approved by, also on a TPM 2.0. Null from Xen's, and from what is no manager.</summary>
    private static VtpmManagerPlatformResponse? AskManager(ManagementLink link, ParseResult result, uint mask)
    {
        using VtpmManagement manager = link.Open(result);
        try
        {
            return manager.ManagerPlatform(PcrList.ToSelection(mask));
        }
        catch (Exception exception) when (exception is TpmProtocolException or VtpmManagerException { Result: TpmResult.BadOrdinal or TpmResult.AuthFail or TpmResult.BadTag })
        {
            return null;
        }
    }

    private static void Write(uint mask, VtpmManagerPlatformResponse platform) => Output.WriteObject(json =>
    {
        json.WriteString("mask", mask.ToString("x6", CultureInfo.InvariantCulture));
        json.WriteString("composite", platform.Composite.ToString());
        json.WriteString("bank", ((TpmAlgId)platform.Bank).ToString().ToLowerInvariant());
    });

    private static void Write(uint mask, TpmDigest composite, IReadOnlyDictionary<int, TpmDigest> values) => Output.WriteObject(json =>
    {
        json.WriteString("mask", mask.ToString("x6", CultureInfo.InvariantCulture));
        json.WriteString("composite", composite.ToString());
        json.WriteStartObject("pcrs");
        foreach (int pcr in PcrList.Pcrs(mask)) json.WriteString(pcr.ToString(CultureInfo.InvariantCulture), values[pcr].ToString());
        json.WriteEndObject();
    });
}
