using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>A site as docs/deep-quotes.md has it, by its commands: an authority, a manager, a guest that quotes, and a verifier.</summary>
public sealed class QuoteTests
{
    private const string Nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";

    [Fact]
    public void Verify_OfWhatAGuestHasQuoted_ShowsWhatItStandsOn()
    {
        using var site = new Site();
        string evidence = site.Quote("--nonce", Nonce);
        (int exitCode, string output) = Verify([evidence, "--nonce", Nonce, .. site.Expectations]);
        Assert.True(exitCode == 0, output);
        foreach (string subject in (string[])["signature", "identity", "approval", "nonce", "authority", "configuration", "platform", "vtpm", "uuid", "virtual-pcrs"])
            Assert.Contains($"shown        {subject} ", output, StringComparison.Ordinal);

        (exitCode, output) = Verify([evidence, "--nonce", new string('0', 40), "--json", .. site.Expectations]);
        Assert.Equal(1, exitCode);
        Assert.Contains("\"holds\": false", output, StringComparison.Ordinal);
        Assert.Contains("\"result\": \"WRONG\"", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_ByAPolicyFile_RefusesAChangedFileAndWhatIsNoEvidence()
    {
        using var site = new Site();
        string evidence = site.Quote("--nonce", Nonce);
        string policy = site["policy.json"];
        File.WriteAllText(policy, $$"""
            { "version": 1, "aik": "{{site.Aik}}", "authority": "authority.modulus", "configuration": "config.signed", "labels": ["*:vtpm:socket"] }
            """);
        Assert.Equal(0, Verify(evidence, "--policy", policy, "--nonce", Nonce).ExitCode);
        Assert.Equal(2, Verify(evidence, "--policy", policy, "--aik", site.Aik).ExitCode);

        string text = File.ReadAllText(evidence);
        File.WriteAllText(evidence, text.Replace("\"localityAtRelease\": \"01\"", "\"localityAtRelease\": \"02\"", StringComparison.Ordinal));
        (int exitCode, string output) = Verify(evidence, "--policy", policy, "--nonce", Nonce);
        Assert.Equal(1, exitCode);
        Assert.Contains("WRONG        signature", output, StringComparison.Ordinal);

        File.WriteAllText(evidence, text[..^10]);
        (exitCode, output) = Verify(evidence, "--policy", policy, "--nonce", Nonce);
        Assert.Equal(1, exitCode);
        Assert.Contains("this is no evidence", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Quote_OfTheEndorsementKey_IsGivenUntilTheVtpmRestarts()
    {
        using var site = new Site();
        string evidence = site.Quote("--ek", "--nonce", Nonce);
        (int exitCode, string output) = Verify(evidence, "--aik", site.Aik, "--nonce", Nonce, "--platform", site.Platform);
        Assert.True(exitCode == 0, output);
        site.Chain.StartVtpm();
        (exitCode, output) = VtpmProcess.Run("quote", "--tpm", site.Chain.VtpmAddress.ToString(), "--ek", "--nonce", Nonce);
        Assert.Equal(1, exitCode);
        Assert.Contains("restarted", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "owner", "--owner-auth", "text:another")]
    [InlineData(2, "40 hexadecimal digits", "--nonce", "00")]
    [InlineData(2, "--include", "--include", "uuid,all")]
    [InlineData(2, "--hw-pcrs", "--hw-pcrs", "24")]
    public void Quote_ThatCannotBe_SaysWhy(int expected, string why, string option, string value)
    {
        using var site = new Site();
        string[] nonce = option == "--nonce" ? [] : ["--nonce", Nonce];
        (int exitCode, string output) = VtpmProcess.Run(["quote", "--tpm", site.Chain.VtpmAddress.ToString(), option, value, .. nonce]);
        Assert.Equal(expected, exitCode);
        Assert.Contains(why, output, StringComparison.Ordinal);
    }

    private static (int ExitCode, string Output) Verify(params string[] arguments) => VtpmProcess.Run(["verify", .. arguments]);

    /// <summary>Everything up to a guest that owns its TPM.</summary>
    private sealed class Site : IDisposable
    {
        private readonly VtpmProcess _manager;

        public Site()
        {
            Chain.StartHardware();
            string admin = $"unix:{this["admin.sock"]}";
            _manager = VtpmProcess.StartReady(
                VtpmProcess.ManagerReady,
                "manager", "--image", Chain.ManagerImage, "--admin", admin, "--listen", Chain.ManagerAddress.ToString(), $"tpmdriver={Chain.HardwareAddress}");
            Run("approve", "key", this["authority.pem"]);
            string uuid = Run("manage", "--manager", admin, "group-add", this["authority.modulus"], "--out", this["."]).Trim();
            Aik = this[$"group-{uuid}/aik.pub"];
            Platform = Run("approve", "composite", "--manager", admin).Trim();
            Run("approve", "sign", "--key", this["authority.pem"], this["config.signed"], Platform, "label:*:vtpm:socket");
            Run("manage", "--manager", admin, "group-update", "0", this["config.signed"]);
            Run("manage", "--manager", admin, "vtpm-add", "0", Chain.Uuid);
            Chain.StartVtpm();
            using TpmClient tpm = Chain.Connect();
            using TpmSecret secret = TpmSecret.WellKnown();
            tpm.TakeOwnership(tpm.ReadPubek(), secret, secret, TpmKeys.StorageRootKey);
            Pcr10 = tpm.Extend(10, TpmDigest.Of("the guest's kernel"u8));
        }

        public Chain Chain { get; } = new();

        public string Aik { get; }

        public string Platform { get; }

        public TpmDigest Pcr10 { get; }

        public string[] Expectations =>
        [
            "--aik", Aik, "--aik-binding", Path.ChangeExtension(Aik, ".priv-ca-data"), "--authority", this["authority.modulus"], "--approved", this["config.signed"],
            "--uuid", Chain.Uuid, "--label", "*:vtpm:socket", "--expect-pcr", $"10={Pcr10}",
        ];

        public string this[string name] => Chain[name];

        public string Quote(params string[] arguments)
        {
            string evidence = this["evidence.json"];
            Run(["quote", "--tpm", Chain.VtpmAddress.ToString(), "--out", evidence, .. arguments]);
            return evidence;
        }

        public void Dispose()
        {
            _manager.Dispose();
            Chain.Dispose();
        }

        private static string Run(params string[] arguments)
        {
            (int exitCode, string output) = VtpmProcess.Run(arguments);
            Assert.True(exitCode == 0, output);
            return output;
        }
    }
}
