using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Manager;
using Vtpm.Storage;

namespace Vtpm.Cli;

/// <summary>What opens the manager's image without its hardware TPM: given out, opened by the authority, and read by the manager.</summary>
internal static class EscrowCommands
{
    public static Command Make(ManagementLink link)
    {
        const string description = """
            Writes what opens the manager's image without its hardware TPM and approved configuration, encrypted to the authority of group 0.

            For when the board is lost, or the only approved configuration of group 0. Keep it where the authority's key is not, with a copy
            of the image. It is valid until 'rotate' or 'group-rotate 0': make another one after these.
              1. vtpm manage escrow site.escrow                                         while all is well
              2. vtpm approve escrow-open --key authority.pem site.escrow recovery.key  the authority, when it is needed
              3. vtpm manager --recovery recovery.key ...                               on the new board, or in the new configuration
              4. vtpm manage group-update 0 approved.N                                  a list with the present platform ('vtpm approve composite')
              5. delete recovery.key, start the manager without it
            """;
        var output = new Argument<string>("output") { Description = "Where the escrow is written.", HelpName = "OUTPUT" };
        return ManageCommand.Verb("escrow", description, link, [output], (result, manager) =>
        {
            string path = result.GetRequiredValue(output);
            UserFile.MustNotExist(path);
            UserFile.Create(path, manager.Escrow().Span);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("file", path));
            else Log.Line(path);
        });
    }

    public static Command Open()
    {
        const string description = """
            Opens an escrow of 'vtpm manage escrow', whose help has all steps: makes the recovery key that 'vtpm manager --recovery' takes.

            Whoever has the recovery key and the manager's image has all keys in it. Delete it when the manager opens its image without it.
            """;
        var key = new Option<string>("--key") { Description = "The authority's key.", HelpName = "KEYFILE", Required = true };
        var escrow = new Argument<string>("escrow") { Description = "The escrow.", HelpName = "ESCROW" };
        var output = new Argument<string>("output") { Description = "Where the recovery key is written.", HelpName = "OUTPUT" };
        var command = new Command("escrow-open", description) { escrow, output, key };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(output);
            UserFile.MustNotExist(path);
            using RSA authority = KeyCommands.Load(result.GetRequiredValue(key));
            using ManagerRecoveryKey opened = Escrow.Open(UserFile.Read(result.GetRequiredValue(escrow)), authority);
            byte[] file = opened.ToBytes();
            UserFile.CreatePrivate(path, file);
            CryptographicOperations.ZeroMemory(file);
            Report(result, path, opened.ManagerUuid);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>The recovery key in a file; null when none is named.</summary>
    public static ManagerRecoveryKey? ReadRecoveryKey(string? path)
    {
        if (path is null) return null;
        byte[] file = UserFile.Read(path);
        ManagerRecoveryKey? key = ManagerRecoveryKey.Read(file);
        CryptographicOperations.ZeroMemory(file);
        return key ?? throw new CommandException($"{path} is no recovery key: the file of 'vtpm approve escrow-open' is wanted");
    }

    private static void Report(ParseResult result, string path, Guid manager)
    {
        if (result.GetValue(Output.Json))
        {
            Output.WriteObject(json =>
            {
                json.WriteString("file", path);
                json.WriteString("manager", manager);
            });
            return;
        }

        Log.Line($"{path}: the recovery key of manager {manager}");
        Log.Line(" Whoever has it and the manager's image has all keys: delete it when the manager opens its image without it.");
    }
}
