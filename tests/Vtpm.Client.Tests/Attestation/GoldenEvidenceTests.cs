using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Vtpm.Client.Attestation;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Attestation;

/// <summary>Evidence of a real run, on a hardware TPM that nobody here has made (tests/vectors/README.md): what was once evidence stays it.</summary>
public class GoldenEvidenceTests
{
    private const string Nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";

    private static DeepQuotePolicy Policy => new()
    {
        Aik = Vector("aik.pub"),
        Binding = new IdentityBinding(Vector("aik.priv-ca-data"), default),
        Nonce = new TpmNonce(Convert.FromHexString(Nonce)),
    };

    [Fact]
    public void Evidence_OfAGuest_ShowsEverything()
    {
        byte[] pcr10 = SHA1.HashData([.. new byte[20], .. SHA1.HashData("the guest's kernel"u8)]);
        DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(Vector("evidence.json"), Policy with
        {
            Authority = PublicKeyFile.Parse(Vector("authority.pub")),
            Configuration = ApprovedConfiguration.Parse(Vector("config.signed")),
            Kernels = [DeepQuotePolicy.KernelOf("*:vtpm:socket")],
            Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10"),
            VirtualPcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [10] = [new TpmDigest(pcr10)] },
            Locality = 0,
        });
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(
            ["hardware-pcrs", "endorsement-key"],
            verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.NotChecked).Select(statement => statement.Subject));
    }

    [Fact]
    public void Evidence_OfAnEndorsementKey_ShowsIt()
    {
        byte[] key = Convert.FromHexString(Json("ek.json")["endorsementKey"]!.GetValue<string>());
        DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(Vector("ek.json"), Policy with { EndorsementKeySha256 = SHA256.HashData(key[^256..]) });
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
    }

    /// <summary>The formula of docs/deep-quotes.md once more, of what the files say, with the base library alone.</summary>
    [Theory]
    [InlineData("evidence.json")]
    [InlineData("ek.json")]
    public void Evidence_ByTheFormula_IsSigned(string file)
    {
        JsonObject json = Json(file);
        byte[] nonce = Hex(json["nonce"]!);
        JsonNode[] hashes = json["hashes"] is JsonObject told ? [.. ((string[])["uuid", "vtpm", "group", "authority"]).Select(name => told[name]!)] : [];
        byte[] asked = json["virtualPcrs"] is JsonObject virtualPcrs
            ? [0, 0, 0, 0, .. "DQUT"u8, .. nonce, .. Select(virtualPcrs), .. Hex(json["localityAtRelease"]!), .. Composite(virtualPcrs)]
            : [.. Hex(json["endorsementKey"]!), .. nonce];
        byte[] external = [hashes.Length == 4 ? (byte)15 : (byte)0, 0, 0, 0, .. SHA1.HashData(asked), .. hashes.SelectMany(Hex)];
        byte[] signed = [1, 1, 0, 0, .. "QUOT"u8, .. Composite(json["hardwarePcrs"]!.AsObject()), .. SHA1.HashData(external)];
        using RSA aik = RSA.Create(new RSAParameters { Modulus = Vector("aik.pub"), Exponent = [1, 0, 1] });
        Assert.True(aik.VerifyData(signed, Hex(json["signature"]!), HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    private static byte[] Hex(JsonNode node) => Convert.FromHexString(node.GetValue<string>());

    private static byte[] Select(JsonObject pcrs)
    {
        byte[] select = new byte[pcrs["sizeOfSelect"]!.GetValue<int>()];
        foreach ((string name, _) in pcrs["values"]!.AsObject())
        {
            int pcr = int.Parse(name, CultureInfo.InvariantCulture);
            select[pcr / 8] |= (byte)(1 << pcr % 8);
        }

        return [0, (byte)select.Length, .. select];
    }

    private static byte[] Composite(JsonObject pcrs)
    {
        byte[] values = [.. pcrs["values"]!.AsObject().OrderBy(pcr => int.Parse(pcr.Key, CultureInfo.InvariantCulture)).SelectMany(pcr => Hex(pcr.Value!))];
        return SHA1.HashData([.. Select(pcrs), 0, 0, (byte)(values.Length >> 8), (byte)values.Length, .. values]);
    }

    private static JsonObject Json(string name) => JsonNode.Parse(Vector(name))!.AsObject();

    private static byte[] Vector(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "deep-quote", name));
}
