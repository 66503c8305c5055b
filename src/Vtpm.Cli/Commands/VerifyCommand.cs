using System.CommandLine;
using Vtpm.Client.Attestation;

namespace Vtpm.Cli;

/// <summary><c>vtpm verify</c>: judges the evidence of <c>vtpm quote</c> by public data alone.</summary>
internal static class VerifyCommand
{
    private const string Examples = """

        What is stated here or in the policy has to be shown by the evidence; what is not is "not checked", and said to be. Exit codes: 0 when
        everything asked for is shown, 1 when the evidence is refused, 2 when the command line or the policy is wrong.

        Examples:
          vtpm verify evidence.json --aik group-UUID/aik.pub --nonce 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c
              Whether that hardware TPM has signed this, and for this nonce.
          vtpm verify evidence.json --policy site.json --nonce 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c --uuid 1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10 --json
              What the site expects of all of its vTPMs, of this one; for a program.
          vtpm verify evidence.json --aik aik.pub --authority saa.pem --approved config.signed --label '*:vm_r:vtpm_t' --expect-pcr 4=HEX --nonce HEX
              That the group has the configuration which its authority approved, on an approved platform, with that vTPM software and that value in
              PCR 4 of the guest.
        """;

    public static Command Create()
    {
        var evidence = new Argument<string>("evidence") { Description = "The file of vtpm quote; - for standard input." };
        var json = new Option<bool>("--json") { Description = "The verdict for programs." };
        var arguments = new VerifyArguments();
        var command = new Command("verify", "Judges the evidence that vtpm quote has made." + Examples) { evidence, json };
        arguments.AddTo(command);
        command.SetAction(result =>
        {
            DeepQuotePolicy policy = arguments.Parse(result);
            DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(Read(result.GetRequiredValue(evidence)), policy);
            if (result.GetValue(json))
            {
                using Stream output = Console.OpenStandardOutput();
                output.Write(verdict.ToJson());
            }
            else
            {
                foreach (string line in verdict.ToLines()) Console.Out.WriteLine(line);
            }

            return (int)(verdict.Holds ? ExitCode.Ok : ExitCode.Failed);
        });
        return command;
    }

    /// <summary>No more than evidence can have, and one byte: of a device or a pipe the end might never come.</summary>
    private static byte[] Read(string path)
    {
        using Stream input = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
        byte[] buffer = new byte[DeepQuoteEvidence.MaxFileSize + 1];
        return buffer[..input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
    }
}
