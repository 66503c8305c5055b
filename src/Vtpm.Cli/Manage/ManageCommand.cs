using System.CommandLine;
using Vtpm.Client;

namespace Vtpm.Cli;

/// <summary><c>vtpm manage</c>: what Xen's manage-vtpmmgr.pl does, and the rest of the manager's commands.</summary>
internal static class ManageCommand
{
    private const string Examples = """

        A group is under one authority, which approves by its signature on which machines it opens and which vTPMs it admits ('vtpm approve' is the
        authority's side). Group 0 opens the manager's image itself: without it nothing is kept.

        Examples:
          vtpm manage list
              Groups and vTPMs of the manager that 'vtpm up' runs in ./vtpm-data.
          vtpm manage --manager unix:admin.sock group-add authority.modulus
          vtpm manage --manager unix:admin.sock group-update 0 approved.1
              A new manager gets its authority, and the first configuration that this has signed; from then on it keeps what it is given.
          vtpm manage --manager unix:admin.sock vtpm-add 0 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10
              A vTPM, which 'vtpm run' may then start.
          vtpm manage --tpm /dev/tpm0 list --json
              From within a guest whose vTPM is an administrator.
        """;

    public static Command Create()
    {
        var link = new ManagementLink();
        var command = new Command("manage", "Manages a vTPM manager: its groups, their approved configurations, and its vTPMs." + Examples)
            { link.Manager, link.Tpm, link.Dir, Output.Json };
        foreach (Command verb in (Command[])
        [
            GroupCommands.List(link),
            GroupCommands.Show(link),
            GroupCommands.Add(link),
            GroupCommands.Update(link),
            IdentityCommands.Activate(link),
            IdentityCommands.Renew(link),
            IdentityCommands.Quote(link),
            RecoveryCommands.Register(link),
            RecoveryCommands.Recover(link),
            RecoveryCommands.FinishRecovery(link),
            KeyRotationCommands.Group(link),
            GroupCommands.Accept(link),
            GroupCommands.Delete(link),
            VtpmCommands.Add(link),
            VtpmCommands.Show(link),
            VtpmCommands.Edit(link),
            VtpmCommands.Delete(link),
            ManagerInfoCommand.Create(link),
            KeyRotationCommands.Manager(link),
            EscrowCommands.Make(link),
            IdentityCommands.EndorsementKey(link),
            RecoveryCommands.MakeIdentity(link),
        ])
            command.Add(verb);
        return command;
    }

    /// <summary>A command below this one, that speaks with the manager.</summary>
    public static Command Verb(string name, string description, ManagementLink link, ReadOnlySpan<Symbol> symbols, Action<ParseResult, VtpmManagement> run)
    {
        var command = new Command(name, description);
        foreach (Symbol symbol in symbols)
        {
            if (symbol is Argument argument) command.Add(argument);
            else command.Add((Option)symbol);
        }

        command.SetAction(result =>
        {
            using VtpmManagement manager = link.Open(result);
            run(result, manager);
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
