using System.CommandLine;

namespace Vtpm.Cli;

/// <summary><c>vtpm status</c>: what a chain that runs is made of.</summary>
internal static class StatusCommand
{
    private const string Examples = """

        Example:
          vtpm status --dir vtpm-data
        """;

    public static Command Create()
    {
        Option<string> dir = UpCommand.Folder();
        var command = new Command("status", "Shows a chain that vtpm up runs: hardware TPM, manager, vTPM, with versions, PCRs and endorsement keys." + Examples) { dir };
        command.SetAction(result =>
        {
            ChainFolder folder = ChainFolder.Open(result.GetRequiredValue(dir));
            ChainReport.Show(folder, folder.Hardware(asked: null));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
