using System.Security.Cryptography;
using System.Text;
using Vtpm.Client.Attestation;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Attestation;

/// <summary>What a verifier states: the policy file, keys in files, signed configurations, PCRs in writing.</summary>
public class DeepQuotePolicyTests
{
    private const string Whole = """
        {
          "version": 1,
          "aik": "aik.pub",
          "identity": { "binding": "aik.priv-ca-data", "labelDigest": "0000000000000000000000000000000000000000" },
          "authority": "saa.pem",
          "configuration": "approved",
          "platforms": [ "020001=COMPOSITE" ],
          "kernels": [ "ffffffffffffffffffffffffffffffffffffffff" ],
          "labels": [ "*:vm_r:vtpm_t" ],
          "uuid": "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10",
          "locality": 0,
          "hardwarePcrs": { "23": [ "0000000000000000000000000000000000000000" ] },
          "virtualPcrs": { "4": [ "ffffffffffffffffffffffffffffffffffffffff", "0405060708090a0b0c0d0e0f1011121314151617" ] }
        }
        """;

    private static string WholeText => Whole.Replace("COMPOSITE", Convert.ToHexStringLower(new SampleQuote().Platforms[1]), StringComparison.Ordinal);

    [Fact]
    public void Parse_OfAWholeFile_IsAPolicyThatTrueEvidenceMeets()
    {
        DeepQuotePolicy policy = Parse(WholeText);
        DeepQuoteVerdict verdict = new SampleQuote().Verify(policy);
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(["nonce", "endorsement-key"], verdict.Statements.Where(statement => statement.Result != DeepQuoteResult.Shown).Select(statement => statement.Subject));
    }

    /// <summary>Each expectation of the file, changed: it is read, and it is not met.</summary>
    [Theory]
    [InlineData("\"aik\": \"aik.pub\"", "\"aik\": \"another.pub\"", "signature")]
    [InlineData("\"labelDigest\": \"00", "\"labelDigest\": \"01", "identity")]
    [InlineData("\"authority\": \"saa.pem\"", "\"authority\": \"another.pub\"", "authority")]
    [InlineData("\"authority\": \"saa.pem\"", "\"authority\": \"another.pub\"", "approval")]
    [InlineData("\"configuration\": \"approved\"", "\"configuration\": { \"sequence\": 7, \"platforms\": [], \"kernels\": [] }", "configuration")]
    [InlineData("020001=", "020000=", "platform")]
    [InlineData("*:vm_r:vtpm_t", "*:vm_r:vtpm_u", "vtpm")]
    [InlineData("2a10\"", "2a11\"", "uuid")]
    [InlineData("\"locality\": 0", "\"locality\": 1", "locality")]
    [InlineData("{ \"23\": [ \"00", "{ \"23\": [ \"01", "hardware-pcrs")]
    [InlineData("\"0405", "\"0406", "virtual-pcrs")]
    public void Parse_OfAnotherExpectation_IsOneThatIsNotMet(string from, string to, string subject)
    {
        Assert.Contains(from, WholeText, StringComparison.Ordinal);
        DeepQuoteVerdict verdict = new SampleQuote().Verify(Parse(WholeText.Replace(from, to, StringComparison.Ordinal)));
        Assert.Equal(DeepQuoteResult.Wrong, verdict[subject].Result);
    }

    [Fact]
    public void Parse_OfAConfigurationInTheFile_IsTheSameAsItsSignedFile()
    {
        var quote = new SampleQuote();
        string platforms = string.Join("\", \"", quote.Platforms.Select(hash => "020001=" + Convert.ToHexStringLower(hash)));
        string kernels = string.Join("\", \"", quote.Kernels.Select(Convert.ToHexStringLower));
        string inline = $$"""{ "sequence": 7, "platforms": [ "{{platforms}}" ], "kernels": [ "{{kernels}}" ] }""";
        DeepQuoteVerdict verdict = quote.Verify(Parse(WholeText.Replace("\"approved\"", inline, StringComparison.Ordinal)));
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(DeepQuoteResult.NotChecked, verdict["approval"].Result);
    }

    [Theory]
    [InlineData("\"version\": 1", "\"version\": 2", "version 2")]
    [InlineData("\"version\": 1", "\"version\": 1, \"aikk\": \"aik.pub\"", "aikk")]
    [InlineData("\"binding\"", "\"bindings\"", "identity.bind")]
    [InlineData("020001=", "=", "platforms[0]")]
    [InlineData("020001=", "1020001=", "platforms[0]")]
    [InlineData("[ \"ffffffffffffffffffffffffffffffffffffffff\" ]", "[ \"ff\" ]", "kernels[0]")]
    [InlineData("[ \"*:vm_r:vtpm_t\" ]", "\"*:vm_r:vtpm_t\"", "labels")]
    [InlineData("\"1b6ee4f0-", "\"1b6ee4f0", "uuid")]
    [InlineData("{ \"23\": [ \"00", "{ \"24\": [ \"00", "hardwarePcrs.24")]
    [InlineData("\"aik.pub\"", "\"approved\"", "approved")]
    [InlineData("\"approved\"", "\"aik.pub\"", "aik.pub")]
    [InlineData("\"approved\"", "{ \"sequence\": -1, \"platforms\": [], \"kernels\": [] }", "configuration.sequence")]
    [InlineData("\"approved\"", "{ \"platforms\": [], \"kernels\": [] }", "configuration.sequence")]
    public void Parse_OfAnotherForm_SaysWhatIsWrong(string from, string to, string names)
    {
        Assert.Contains(from, WholeText, StringComparison.Ordinal);
        var exception = Assert.Throws<DeepQuoteFormatException>(() => Parse(WholeText.Replace(from, to, StringComparison.Ordinal)));
        Assert.Contains(names, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_OfKeysInEveryForm_IsTheirModulus()
    {
        byte[] modulus = SampleQuote.Modulus(SampleQuote.Saa);
        Assert.Equal(modulus, PublicKeyFile.Parse(modulus));
        Assert.Equal(modulus, PublicKeyFile.Parse(Encoding.ASCII.GetBytes(SampleQuote.Saa.ExportSubjectPublicKeyInfoPem())));
        Assert.Equal(modulus, PublicKeyFile.Parse(Encoding.ASCII.GetBytes(SampleQuote.Saa.ExportRSAPublicKeyPem() + "\n")));
    }

    [Fact]
    public void Parse_OfOtherKeys_IsRefused()
    {
        using RSA small = RSA.Create(1024);
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (string pem in (string[])["", "text", small.ExportSubjectPublicKeyInfoPem(), other.ExportSubjectPublicKeyInfoPem()])
            Assert.Throws<DeepQuoteFormatException>(() => PublicKeyFile.Parse(Encoding.ASCII.GetBytes(pem)));
        Assert.Throws<DeepQuoteFormatException>(() => PublicKeyFile.Parse(new byte[256]));
    }

    [Fact]
    public void Parse_OfAConfigurationInOurForm_IsTheSameList()
    {
        var quote = new SampleQuote();
        byte[] file = quote.NewlySignedConfiguration();
        DeepQuoteVerdict verdict = quote.Verify(SampleQuote.Policy with { Configuration = ApprovedConfiguration.Parse(file) });
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(DeepQuoteResult.Shown, verdict["approval"].Result);
        // A selection is signed here.
        file[16 + 16 + 8 + 4 + 2] ^= 0x20;
        verdict = quote.Verify(SampleQuote.Policy with { Configuration = ApprovedConfiguration.Parse(file) });
        Assert.Equal(["approval"], verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.Wrong).Select(statement => statement.Subject));
    }

    public static TheoryData<bool> Forms => new(false, true);

    /// <summary>A signed file, cut and lengthened at every byte, with absurd counts.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public void Parse_OfADamagedConfiguration_IsRefused(bool ours)
    {
        byte[] file = ours ? new SampleQuote().NewlySignedConfiguration() : new SampleQuote().SignedConfiguration();
        Assert.Equal([0x11u, 0x020001u], ApprovedConfiguration.Parse(file).Platforms.Select(platform => platform.PcrMask!.Value));
        for (int length = 0; length < file.Length; length++) Assert.Throws<DeepQuoteFormatException>(() => ApprovedConfiguration.Parse(file.AsSpan(0, length)));
        Assert.Throws<DeepQuoteFormatException>(() => ApprovedConfiguration.Parse([.. file, 0]));
        byte[] absurd = [.. file];
        absurd[ours ? 40 : 256 + 8] = 0xFF;
        Assert.Throws<DeepQuoteFormatException>(() => ApprovedConfiguration.Parse(absurd));
    }

    private static DeepQuotePolicy Parse(string text) => DeepQuotePolicyFile.Parse(Encoding.UTF8.GetBytes(text), File);

    private static byte[] File(string name) => name switch
    {
        "aik.pub" => SampleQuote.Modulus(SampleQuote.Aik),
        "another.pub" => SampleQuote.Modulus(SampleQuote.Another),
        "aik.priv-ca-data" => SampleQuote.Binding(SampleQuote.Aik, new byte[20]),
        "saa.pem" => Encoding.ASCII.GetBytes(SampleQuote.Saa.ExportSubjectPublicKeyInfoPem()),
        "approved" => new SampleQuote().SignedConfiguration(),
        _ => throw new DeepQuoteFormatException("there is no such file"),
    };
}
