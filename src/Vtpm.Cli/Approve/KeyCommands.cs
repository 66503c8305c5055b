using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Manager;

namespace Vtpm.Cli;

/// <summary><c>vtpm approve key</c> and <c>modulus</c>.</summary>
internal static class KeyCommands
{
    public static Command Key()
    {
        const string description = """
            Makes an authority's key: RSA-2048, in a PEM file for its owner alone, and its modulus in a file for 'vtpm manage group-add'.

            Whoever has the key can open every group of the authority. Keep a copy where the machines are not.

            Examples:
              vtpm approve key authority.pem
                  The key, and authority.modulus.
            """;
        var file = new Argument<string>("keyfile") { Description = "Where the key is made.", HelpName = "KEYFILE" };
        var modulus = new Option<string>("--modulus")
            { Description = "Where its modulus is written. [default: KEYFILE with .modulus for its ending]", HelpName = "FILE" };
        var command = new Command("key", description) { file, modulus };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file);
            string publicPath = result.GetValue(modulus) ?? Path.ChangeExtension(path, ".modulus");
            if (publicPath == path) throw new UsageException("the key and its modulus need two files: name the second with --modulus");
            UserFile.MustNotExist(path);
            UserFile.MustNotExist(publicPath);
            using RSA key = Use(path, ApprovalKey.Create);
            Report(result, key, publicPath, path);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    public static Command Modulus()
    {
        const string description = """
            Writes the modulus of an authority's key, which 'vtpm manage group-add' takes: 256 bytes.

            Examples:
              vtpm approve modulus vtpm-data/approval.pem authority.modulus
                  Of the key that 'vtpm up' has made.
            """;
        var file = new Argument<string>("keyfile") { Description = "The key.", HelpName = "KEYFILE" };
        var output = new Argument<string>("output") { Description = "Where the modulus is written.", HelpName = "OUTPUT" };
        var command = new Command("modulus", description) { file, output };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(output);
            UserFile.MustNotExist(path);
            using RSA key = Load(result.GetRequiredValue(file));
            Report(result, key, path, keyPath: null);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>An authority's key.</summary>
    public static RSA Load(string path) => Use(path, ApprovalKey.Load);

    /// <summary>Here a key that does not fit has failed a command, and kept nothing from starting.</summary>
    private static RSA Use(string path, Func<string, RSA> use)
    {
        try
        {
            return use(path);
        }
        catch (ManagerException exception)
        {
            throw new CommandException(exception.Message);
        }
    }

    private static void Report(ParseResult result, RSA key, string modulusPath, string? keyPath)
    {
        byte[] modulus = AuthorityModulus.Of(key);
        UserFile.Create(modulusPath, modulus);
        string hash = Convert.ToHexStringLower(SHA1.HashData(modulus));
        if (result.GetValue(Output.Json))
        {
            Output.WriteObject(json =>
            {
                if (keyPath is not null) json.WriteString("key", keyPath);
                json.WriteString("modulus", modulusPath);
                json.WriteString("publicKeyHash", hash);
            });
            return;
        }

        if (keyPath is not null) Log.Line($"key: {keyPath}");
        Log.Line($"modulus: {modulusPath}");
        Log.Line($"Public key hash: {hash}");
    }
}
