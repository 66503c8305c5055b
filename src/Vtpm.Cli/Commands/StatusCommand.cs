using System.CommandLine;

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
        """;

    public static Command Create()
    {
        Option<string> dir = UpCommand.Folder();
        Option<string> ownerAuth = UpCommand.OwnerAuth();
        var command = new Command("status", "Shows a chain that vtpm up runs: hardware TPM, manager, vTPM, with versions, PCRs and endorsement keys." + Examples) { dir, ownerAuth };
        command.SetAction(result =>
        {
            ChainFolder folder = ChainFolder.Open(result.GetRequiredValue(dir));
            ChainReport.Show(folder, folder.Hardware(asked: null), result.GetRequiredValue(ownerAuth));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
