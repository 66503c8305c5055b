using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Attestation;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary><c>vtpm quote</c>: a guest asks its TPM for evidence that a verifier far away can judge.</summary>
internal static class QuoteCommand
{
    private const string Examples = """

        The vTPM must have an owner: a deep quote is the owner's command. vtpm verify judges the evidence.

        Examples:
          vtpm quote --nonce 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c --out evidence.json
              In a guest: all that there is to say, about the TPM /dev/tpm0.
          vtpm quote --tpm unix:vtpm-data/vtpm.sock --nonce random --pcrs 0-7 --hw-pcrs 0-7,17-19 --include uuid,vtpm
              Some of it. A nonce of one's own is for trying things out: it proves to nobody else that the evidence is new.
          vtpm quote --ek --nonce 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c --owner-auth @owner
              The endorsement key, as long as the vTPM has not been restarted since it made it.
        """;

    private static readonly (string Name, VtpmQuoteFlags Flag)[] Names =
    [
        ("uuid", VtpmQuoteFlags.HashUuid), ("vtpm", VtpmQuoteFlags.VtpmMeasurements),
        ("group", VtpmQuoteFlags.GroupInfo), ("authority", VtpmQuoteFlags.GroupPubkey),
    ];

    public static Command Create()
    {
        Option<TpmAddress> tpm = Options.Address("--tpm", "The guest's TPM: /dev/tpm0, unix:PATH or tcp:HOST:PORT.");
        tpm.DefaultValueFactory = _ => TpmAddress.Parse("/dev/tpm0");
        Option<string> nonce = Text("--nonce", "The verifier's nonce, 40 hexadecimal digits; or random.", "HEX", otherwise: null);
        nonce.Required = true;
        Option<string> pcrs = Text("--pcrs", "PCRs of the guest's TPM, such as 0-7,10.", "PCRS", "0-15");
        Option<string> hardwarePcrs = Text("--hw-pcrs", "PCRs of the hardware TPM.", "PCRS", "0-23");
        Option<string> include = Text(
            "--include",
            "What is to be said about the vTPM: uuid, vtpm (its software), group (its authority and approved configuration), authority; or none.",
            "LIST",
            "uuid,vtpm,group,authority");
        var locality = new Option<int>("--locality") { Description = "The locality that the link has, which the evidence says.", HelpName = "N" };
        var ek = new Option<bool>("--ek") { Description = "Evidence of the endorsement key (TPM_ParentSignEK) instead of PCRs." };
        Option<string> ownerAuth = Text(
            "--owner-auth",
            "The owner secret of the guest's TPM: well-known, hash:HEX, text:PASSWORD, or @FILE with one of these in it.",
            "SECRET",
            "well-known");
        var output = new Option<string>("--out") { Description = "The file to write; standard output without it.", HelpName = "FILE" };
        var command = new Command("quote", "Asks a guest's TPM for a deep quote: signed evidence of what it stands on." + Examples)
            { tpm, nonce, pcrs, hardwarePcrs, include, locality, ek, ownerAuth, output };
        command.SetAction(result =>
        {
            var request = new DeepQuoteRequest
            {
                Nonce = VerifyArguments.ParseNonce(result.GetRequiredValue(nonce), mayBeRandom: true),
                VirtualPcrs = ParsePcrs("--pcrs", result.GetRequiredValue(pcrs)),
                HardwarePcrs = ParsePcrs("--hw-pcrs", result.GetRequiredValue(hardwarePcrs)),
                Include = ParseInclude(result.GetRequiredValue(include)),
                Locality = result.GetValue(locality),
            };
            string secret = Options.ReadSecret("--owner-auth", result.GetRequiredValue(ownerAuth));
            byte[] evidence = Quote(result.GetRequiredValue(tpm), secret, request, result.GetValue(ek)).ToJson();
            Write(evidence, result.GetValue(output));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Option<string> Text(string name, string description, string helpName, string? otherwise)
    {
        var option = new Option<string>(name) { Description = description, HelpName = helpName };
        if (otherwise is not null) option.DefaultValueFactory = _ => otherwise;
        return option;
    }

    private static DeepQuoteEvidence Quote(TpmAddress address, string secret, DeepQuoteRequest request, bool ofEndorsementKey)
    {
        using TpmSecret owner = TpmSecret.Parse(secret);
        using var tpm = new TpmClient(TpmConnection.Open(address));
        try
        {
            return ofEndorsementKey
                ? DeepQuoteProver.QuoteEndorsementKey(tpm, owner, request.Nonce, request.HardwarePcrs)
                : DeepQuoteProver.Quote(tpm, owner, request);
        }
        catch (TpmCommandException e) when (Explain(e, ofEndorsementKey) is { } why)
        {
            throw new QuoteException($"{e.Message}: {why}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new QuoteException(e.Message, e);
        }
    }

    private static string? Explain(TpmCommandException exception, bool ofEndorsementKey) => exception.Result switch
    {
        TpmResult.BadOrdinal => "this TPM makes no deep quotes: it is not a vTPM, or has no manager",
        TpmResult.AuthFail or TpmResult.Auth2Fail => "--owner-auth is not the secret of this TPM's owner",
        TpmResult.NoSrk or TpmResult.OwnerSet => "it has no owner yet, and a quote is the owner's command",
        TpmResult.DisabledCmd when ofEndorsementKey => "it was restarted since it made its endorsement key; the hardware vouches for the key until then only",
        TpmResult.Retry => "the manager, or the hardware TPM, is busy or away; try again",
        TpmResult.Fail => "the manager cannot quote for this vTPM; its log says why (a group needs an identity key)",
        _ => null,
    };

    private static void Write(byte[] evidence, string? path)
    {
        if (path is not null)
        {
            File.WriteAllBytes(path, evidence);
            return;
        }

        using Stream output = Console.OpenStandardOutput();
        output.Write(evidence);
    }

    private static uint ParsePcrs(string option, string text)
    {
        try
        {
            return PcrList.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException($"{option}: {e.Message}");
        }
    }

    private static VtpmQuoteFlags ParseInclude(string text)
    {
        var flags = VtpmQuoteFlags.None;
        if (text == "none") return flags;
        foreach (string name in text.Split(','))
        {
            VtpmQuoteFlags flag = Names.FirstOrDefault(known => known.Name == name).Flag;
            if (flag == VtpmQuoteFlags.None)
                throw new UsageException($"--include: '{name}' is none of uuid, vtpm, group and authority (with commas between them, or none)");
            flags |= flag;
        }

        return flags;
    }
}

/// <summary>There is no evidence to be had; the message says why.</summary>
internal sealed class QuoteException(string message, Exception inner) : Exception(message, inner);
