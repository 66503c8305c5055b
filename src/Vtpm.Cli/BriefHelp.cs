using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Vtpm.Cli;

/// <summary>Help in which a command's subcommands have a line each: their own help has the rest, with the examples.</summary>
internal sealed class BriefHelp(HelpAction full) : SynchronousCommandLineAction
{
    public static void Install(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new BriefHelp((HelpAction)help.Action!);
    }

    /// <summary>Help is for those whose command line is not right yet.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        foreach (Command command in parseResult.CommandResult.Command.Subcommands) command.Description = FirstLine(command.Description);
        return full.Invoke(parseResult);
    }

    private static string? FirstLine(string? description) => description?.Split('\n', 2)[0];
}
