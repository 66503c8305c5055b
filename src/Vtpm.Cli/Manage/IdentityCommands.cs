using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm manage group-activate</c> and what else is about a group's identity key.</summary>
internal static class IdentityCommands
{
    public static Command Activate(ManagementLink link)
    {
        const string description = """
            Releases the key of a credential that a privacy CA has made for a group's identity (TPM_ActivateIdentity).

            The privacy CA sends two things: the credential, encrypted with a key of its own making, and that key, encrypted so that only the hardware
            TPM of this machine gives it out, and only if the group's identity key is its own. This takes the second, and writes the key to a file for
            its owner alone.

            Examples:
              vtpm manage group-activate 1 aik.activation aik.key
              openssl enc -d -aes-128-cbc -K $(xxd -p aik.key) -iv $(head -c 16 aik.credential | xxd -p) -in <(tail -c +17 aik.credential) -out aik.cert
                  A credential whose initial vector goes before it, decrypted with it.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        var blob = new Argument<string>("blob") { Description = "What the privacy CA has encrypted to the TPM's endorsement key.", HelpName = "FILE" };
        var key = new Argument<string>("key") { Description = "Where the credential's key is written.", HelpName = "OUTPUT" };
        return ManageCommand.Verb("group-activate", description, link, [group, blob, key], (result, manager) =>
        {
            string path = result.GetRequiredValue(key);
            UserFile.MustNotExist(path);
            TpmSymmetricKey released = manager.ActivateGroup(
                result.GetValue(group)!.Value.Resolve(manager), UserFile.Read(result.GetRequiredValue(blob)));
            string algorithm = Describe(released);
            try
            {
                UserFile.CreatePrivate(path, released.Data);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(released.Data).Span);
            }

            if (!result.GetValue(Output.Json))
            {
                Log.Line($"{algorithm}: {path}");
                return;
            }

            Output.WriteObject(json =>
            {
                json.WriteString("algorithm", algorithm);
                json.WriteString("file", path);
            });
        });
    }

    private static string Describe(in TpmSymmetricKey key)
    {
        string algorithm = Enum.IsDefined(key.AlgId) ? key.AlgId.ToString().ToUpperInvariant() : string.Create(CultureInfo.InvariantCulture, $"algorithm 0x{(uint)key.AlgId:x}");
        string mode = key.EncScheme switch
        {
            TpmEncScheme.SymCtr => "CTR",
            TpmEncScheme.SymOfb => "OFB",
            _ => string.Create(CultureInfo.InvariantCulture, $"scheme 0x{(ushort)key.EncScheme:x}"),
        };
        return $"{algorithm} {mode}, {8 * key.Data.Length} bits";
    }
}
