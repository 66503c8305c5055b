using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Vtpm.Client;
using Vtpm.Manager;
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
        var blob = new Argument<string>("blob")
            { Description = "What the privacy CA has encrypted to the TPM's endorsement key.", HelpName = "FILE" };
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

    public static Command Renew(ManagementLink link)
    {
        const string description = """
            Gives a group another identity key (AIK): after a recovery, or under another privacy CA. Verifiers have to be told the new one.

            Its files are made as those of group-add.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        Option<byte[]> digest = GroupCommands.CaDigest();
        var folder = new Option<string>("--out")
            { Description = "The folder for aik.pub and aik.priv-ca-data.", HelpName = "DIR", DefaultValueFactory = _ => "." };
        return ManageCommand.Verb("group-identity", description, link, [group, digest, folder], (result, manager) =>
        {
            string place = result.GetRequiredValue(folder);
            string[] files = [Path.Combine(place, "aik.pub"), Path.Combine(place, "aik.priv-ca-data")];
            // Before the manager is asked: the answer is given once.
            UserFile.MakeFolder(place);
            foreach (string file in files) UserFile.MustNotExist(file);
            TpmDigest label = result.GetValue(digest) is { Length: > 0 } given ? new TpmDigest(given) : default;
            VtpmGroupIdentityResponse identity = manager.NewGroupIdentity(result.GetValue(group)!.Value.Resolve(manager), label);
            UserFile.Create(files[0], identity.AikModulus.Span);
            UserFile.Create(files[1], identity.IdentityBinding.Span);
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("aikModulus", Convert.ToHexStringLower(identity.AikModulus.Span)));
            else foreach (string file in files) Log.Line(file);
        });
    }

    public static Command EndorsementKey(ManagementLink link)
    {
        const string description = """
            Writes the modulus of the hardware TPM's endorsement key, 256 bytes: by it an authority knows this machine again.

            Examples:
              vtpm manage pubek machine7.ek
            """;
        var output = new Argument<string>("output") { Description = "Where the modulus is written.", HelpName = "OUTPUT" };
        return ManageCommand.Verb("pubek", description, link, [output], (result, manager) =>
        {
            string path = result.GetRequiredValue(output);
            UserFile.MustNotExist(path);
            ReadOnlyMemory<byte> modulus = manager.ReadEndorsementKey().PubKey.Key;
            UserFile.Create(path, modulus.Span);
            string hash = Convert.ToHexStringLower(SHA256.HashData(modulus.Span));
            if (result.GetValue(Output.Json)) Output.WriteObject(json => json.WriteString("sha256", hash));
            else Log.Line($"EK SHA-256 {hash}");
        });
    }

    public static Command Quote(ManagementLink link)
    {
        const string description = """
            Asks for a quote of hardware PCRs by a group's identity key, which speaks for no vTPM, and checks it against the key that the manager names.

            Examples:
              vtpm manage group-quote 0 --pcrs 0-7,17-19
              vtpm manage group-quote 0 --nonce 5f3ad1c852b74b3a9a540d6d3f6f7a1100c0ffee --json
                  With a verifier's nonce, for the verifier.
            """;
        Argument<GroupReference?> group = GroupReference.Argument();
        Option<byte[]> nonce = Options.Hex("--nonce", TpmNonce.Size, "The verifier's nonce, 40 hex digits. [default: a random one]");
        var pcrs = new PcrOptions();
        return ManageCommand.Verb("group-quote", description, link, [group, nonce, pcrs.List, pcrs.Mask], (result, manager) =>
        {
            uint mask = pcrs.Read(result);
            var used = new TpmNonce(result.GetValue(nonce) is { Length: > 0 } given ? given : RandomNumberGenerator.GetBytes(TpmNonce.Size));
            uint index = result.GetValue(group)!.Value.Resolve(manager);
            ReadOnlyMemory<byte> aik = manager.GroupInfo(index).AikModulus;
            VtpmGroupQuoteResponse quote = manager.QuoteGroup(index, used, PcrList.ToSelection(mask));
            TpmDigest composite = GroupQuotes.Verify(quote, aik.Span, used, mask)
                ?? throw new CommandException("the manager's answer is no quote by the group's identity key: do not believe it");
            if (result.GetValue(Output.Json)) Output.WriteObject(json => Write(json, quote, used, mask, composite));
            else Log.Line($"{PlatformText.Of(mask, composite)}\nnonce {used}, signed by the identity key of group {index}");
        });
    }

    private static void Write(Utf8JsonWriter json, in VtpmGroupQuoteResponse quote, TpmNonce nonce, uint mask, TpmDigest composite)
    {
        json.WriteString("nonce", Convert.ToHexStringLower(nonce.ReadOnlySpan));
        json.WriteString("mask", mask.ToString("x6", CultureInfo.InvariantCulture));
        json.WriteString("composite", composite.ToString());
        json.WriteString("pcrValues", Convert.ToHexStringLower(quote.PcrValues.Span));
        json.WriteString("signature", Convert.ToHexStringLower(quote.Signature.Span));
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
