using System.CommandLine;
using Vtpm.Backend;

namespace Vtpm.Cli;

/// <summary><c>vtpm status</c>: what a chain that runs is made of.</summary>
internal static class StatusCommand
{
    private const string Examples = """

        Examples:
          vtpm status
              The chain in ./vtpm-data, which another terminal runs by vtpm up.
          vtpm status --dir /var/lib/vtpm
              Another one.
          vtpm status --control /run/vtpm/tpmback.sock
              The guests' vTPMs of a Xen backend domain, with what each can tell of its guest's boot. So it is without --control, too, where vtpm tpmback
              runs with that socket.
        """;

    public static Command Create()
    {
        Option<string> dir = UpCommand.Folder();
        Option<string> ownerAuth = UpCommand.OwnerAuth();
        var control = new Option<string>("--control") { Description = "The control socket of vtpm tpmback.", HelpName = "PATH" };
        var command = new Command("status", "Shows a chain that vtpm up runs (hardware TPM, manager, vTPM), or the guests' vTPMs of vtpm tpmback." + Examples)
            { dir, ownerAuth, control, Output.Json };
        command.SetAction(result =>
        {
            bool isBackend = result.GetResult(control) is not null || (result.GetResult(dir) is null or { Implicit: true } && File.Exists(ControlClient.DefaultPath));
            if (isBackend)
            {
                GuestReport.Show(ControlClient.Status(result.GetValue(control) ?? ControlClient.DefaultPath), result.GetValue(Output.Json));
                return (int)ExitCode.Ok;
            }

            if (result.GetValue(Output.Json)) throw new UsageException("--json is for the vTPMs of vtpm tpmback, with --control");
            ChainFolder folder = ChainFolder.Open(result.GetRequiredValue(dir));
            ChainReport.Show(folder, folder.Hardware(asked: null), result.GetRequiredValue(ownerAuth));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
