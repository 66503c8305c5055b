using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vtpm.Client.Attestation;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests.Attestation;

/// <summary>Evidence that the test has made and signed itself, true and false.</summary>
public class DeepQuoteVerifierTests
{
    private static readonly string[] Covered = ["nonce", "authority", "configuration", "platform", "hardware-pcrs", "vtpm", "uuid", "virtual-pcrs", "locality"];

    [Fact]
    public void Verify_WhatTheVerifierExpects_ShowsAllOfIt()
    {
        DeepQuoteVerdict verdict = new SampleQuote().Verify(SampleQuote.Policy);
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(["endorsement-key"], verdict.Statements.Where(statement => statement.Result != DeepQuoteResult.Shown).Select(statement => statement.Subject));
        Assert.Contains("not checked: PCRs 0,17,23", verdict["hardware-pcrs"].Detail, StringComparison.Ordinal);
    }

    /// <summary>Every combination of what may be included, to a verifier who asks for nothing but the signature.</summary>
    [Fact]
    public void Verify_WithAnyFlags_HoldsAndSaysWhatWasNotChecked()
    {
        var policy = new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik) };
        for (uint flags = 0; flags < 16; flags++)
        {
            DeepQuoteVerdict verdict = new SampleQuote { Flags = flags }.Verify(policy);
            Assert.True(verdict.Holds, $"flags {flags}");
            Assert.Equal(DeepQuoteResult.Shown, verdict["signature"].Result);
            Assert.All(verdict.Statements.Where(statement => statement.Subject != "signature"), statement => Assert.Equal(DeepQuoteResult.NotChecked, statement.Result));
        }
    }

    public static TheoryData<string> FieldsOfEvidence => new(new SampleQuote().ToJson().SelectMany(Leaves).Append("endorsementKey"));

    /// <summary>One bit of one field, wherever it is: the signature is not over that, and nothing that it would cover is shown.</summary>
    [Theory]
    [MemberData(nameof(FieldsOfEvidence))]
    public void Verify_WithABitOfAFieldFlipped_IsRefused(string path)
    {
        byte[] ek = path == "endorsementKey" ? SampleQuote.PubKey(SampleQuote.Another, 3, 1) : [];
        var policy = path == "endorsementKey" ? new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik) } : SampleQuote.Policy;
        JsonObject whole = new SampleQuote { EndorsementKey = ek }.ToJson();
        int flipped = 0;
        for (int bit = 0; bit < 2048; bit++)
        {
            JsonObject evidence = whole.DeepClone().AsObject();
            if (!Flip(evidence, path, bit)) break;
            flipped++;
            DeepQuoteVerdict verdict = Verify(evidence, policy);
            Assert.False(verdict.Holds, $"{path}, bit {bit}");
            if (verdict.Statements.Any(statement => statement.Subject == "format")) continue;
            Assert.Equal(DeepQuoteResult.Wrong, verdict["signature"].Result);
            Assert.DoesNotContain(verdict.Statements, statement => Covered.Contains(statement.Subject) && statement.Result == DeepQuoteResult.Shown);
        }

        Assert.True(flipped > 0 || path is "version" or "kind" || path.EndsWith("sizeOfSelect", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hashes.uuid", "uuid")]
    [InlineData("hashes.vtpm", "vtpm")]
    [InlineData("hashes.group", "configuration")]
    [InlineData("hashes.authority", "authority")]
    [InlineData("nonce", "nonce")]
    [InlineData("hardwarePcrs.values.4", "hardware-pcrs")]
    [InlineData("hardwarePcrs.values.17", "platform")]
    [InlineData("virtualPcrs.values.10", "virtual-pcrs")]
    [InlineData("localityAtRelease", "locality")]
    public void Verify_WithAFieldThatTheVerifierKnowsChanged_NamesIt(string path, string subject)
    {
        JsonObject evidence = new SampleQuote().ToJson();
        Assert.True(Flip(evidence, path, 1));
        DeepQuoteVerdict verdict = Verify(evidence, SampleQuote.Policy);
        Assert.Equal(["signature", subject], verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.Wrong).Select(statement => statement.Subject));
    }

    [Theory]
    [InlineData("hashes.uuid", "uuid")]
    [InlineData("hashes.vtpm", "vtpm")]
    [InlineData("hashes.group", "configuration")]
    [InlineData("hashes.authority", "authority")]
    [InlineData("hardwarePcrs.values.4", "hardware-pcrs")]
    [InlineData("hardwarePcrs.values.17", "platform")]
    [InlineData("virtualPcrs.values.10", "virtual-pcrs")]
    public void Verify_WithAFieldTakenAway_IsRefused(string path, string subject)
    {
        JsonObject evidence = new SampleQuote().ToJson();
        (JsonObject parent, string name) = Find(evidence, path);
        Assert.True(parent.Remove(name));
        DeepQuoteVerdict verdict = Verify(evidence, SampleQuote.Policy);
        Assert.False(verdict.Holds);
        Assert.Equal(DeepQuoteResult.Wrong, verdict["signature"].Result);
        Assert.Equal(DeepQuoteResult.NotShown, verdict[subject].Result);
        Assert.DoesNotContain("signature does not cover", verdict[subject].Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1u, "vtpm", "configuration", "authority")]
    [InlineData(2u, "configuration", "authority", "uuid")]
    [InlineData(4u, "authority", "vtpm", "uuid")]
    [InlineData(8u, "configuration", "vtpm", "uuid")]
    [InlineData(0u, "authority", "configuration", "vtpm", "uuid")]
    public void Verify_OfTrueEvidenceThatLacksWhatIsAskedFor_IsRefusedForThatAlone(uint flags, params string[] lacking)
    {
        DeepQuoteVerdict verdict = new SampleQuote { Flags = flags }.Verify(SampleQuote.Policy);
        Assert.False(verdict.Holds);
        Assert.Equal(DeepQuoteResult.Shown, verdict["signature"].Result);
        Assert.Equal(lacking.Order(), verdict.Statements.Where(statement => statement.Fails).Select(statement => statement.Subject).Order());
        Assert.All(lacking, subject => Assert.Equal(DeepQuoteResult.NotShown, verdict[subject].Result));
    }

    /// <summary>A PCR that is added, or is said to be another, is a change like any other.</summary>
    [Theory]
    [InlineData("hardwarePcrs", "4", "5")]
    [InlineData("hardwarePcrs", null, "5")]
    [InlineData("virtualPcrs", "10", "11")]
    [InlineData("virtualPcrs", null, "11")]
    public void Verify_WithAnotherSelection_IsRefused(string pcrs, string? from, string to)
    {
        JsonObject evidence = new SampleQuote().ToJson();
        JsonObject values = evidence[pcrs]!["values"]!.AsObject();
        string value = values[from ?? "4"]!.GetValue<string>();
        if (from is not null) values.Remove(from);
        values[to] = value;
        AssertUnsigned(evidence);
    }

    [Theory]
    [InlineData("hardwarePcrs")]
    [InlineData("virtualPcrs")]
    public void Verify_WithASelectionOfAnotherSize_IsRefused(string pcrs)
    {
        var low = new SortedDictionary<int, byte[]> { [0] = SampleQuote.Bytes(1, 20), [4] = SampleQuote.Bytes(4, 20) };
        JsonObject evidence = new SampleQuote { Hardware = low, Virtual = low }.ToJson();
        Assert.True(Verify(evidence, new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik) }).Holds);
        evidence[pcrs]!["sizeOfSelect"] = 2;
        AssertUnsigned(evidence);
    }

    [Fact]
    public void Verify_WithAHashThatWasNotAskedForAdded_IsRefused()
    {
        JsonObject evidence = new SampleQuote { Flags = 14 }.ToJson();
        evidence["hashes"]!["uuid"] = Convert.ToHexStringLower(SHA1.HashData(Convert.FromHexString("1b6ee4f09d4b4f1c8d1e3f7f7b1b2a10")));
        AssertUnsigned(evidence);
    }

    [Fact]
    public void Verify_OfWhatAnotherKeyHasSigned_IsRefused()
    {
        DeepQuoteVerdict verdict = new SampleQuote { Signer = SampleQuote.Another }.Verify(SampleQuote.Policy);
        Assert.Equal(["signature"], verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.Wrong).Select(statement => statement.Subject));
        Assert.All(Covered, subject => Assert.Contains("the signature does not cover it", verdict[subject].Detail, StringComparison.Ordinal));
    }

    public static TheoryData<string, string> Lies => new()
    {
        { "nonce", "nonce" }, { "uuid", "uuid" }, { "label", "vtpm" }, { "sequence", "configuration" }, { "platforms", "configuration" }, { "kernels", "configuration" },
        { "authority", "authority,configuration" }, { "locality", "locality" }, { "hardware", "platform" }, { "hardware 4", "hardware-pcrs" }, { "virtual", "virtual-pcrs" },
    };

    /// <summary>The hardware has signed it, and it is not what the verifier expects.</summary>
    [Theory]
    [MemberData(nameof(Lies))]
    public void Verify_OfAnotherTruth_IsRefusedForThatAlone(string what, string subjects)
    {
        var usual = new SampleQuote();
        SampleQuote other = what switch
        {
            "nonce" => usual with { Nonce = SampleQuote.Bytes(0x11, 20) },
            "uuid" => usual with { Uuid = "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a11" },
            "label" => usual with { Label = "*:vm_r:older_t" },
            "sequence" => usual with { Sequence = 8 },
            "platforms" => usual with { Platforms = [.. usual.Platforms.Reverse()] },
            "kernels" => usual with { Kernels = usual.Kernels[1..] },
            "authority" => usual with { Authority = SampleQuote.Another },
            "locality" => usual with { Locality = 2 },
            "hardware" => usual with { Hardware = new(usual.Hardware) { [17] = SampleQuote.Bytes(9, 20) } },
            "hardware 4" => usual with { Hardware = new(usual.Hardware) { [4] = SampleQuote.Bytes(9, 20) } },
            _ => usual with { Virtual = new(usual.Virtual) { [4] = SampleQuote.Bytes(9, 20) } },
        };
        DeepQuoteVerdict verdict = other.Verify(SampleQuote.Policy);
        Assert.Equal(DeepQuoteResult.Shown, verdict["signature"].Result);
        Assert.Equal(subjects.Split(','), verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.Wrong).Select(statement => statement.Subject));
        Assert.False(verdict.Holds);
    }

    public static TheoryData<string, string> OtherExpectations => new()
    {
        { "aik", "signature,identity" }, { "binding", "identity" }, { "label digest", "identity" }, { "nonce", "nonce" }, { "authority", "approval,authority,configuration" },
        { "approval", "approval" }, { "sequence", "configuration" }, { "platform", "configuration" }, { "platform alone", "platform" },
        { "kernel of the list", "configuration,vtpm" }, { "kernel", "vtpm" }, { "kernel that is not admitted", "configuration,vtpm" }, { "uuid", "uuid" },
        { "hardware", "hardware-pcrs" }, { "virtual", "virtual-pcrs" }, { "locality", "locality" },
    };

    /// <summary>The same evidence, and a verifier who expects one thing else.</summary>
    [Theory]
    [MemberData(nameof(OtherExpectations))]
    public void Verify_ByAnotherPolicy_IsRefusedForThat(string what, string subjects)
    {
        DeepQuotePolicy usual = SampleQuote.Policy;
        ApprovedConfiguration unsigned = usual.Configuration! with { Signature = default };
        DeepQuotePolicy other = what switch
        {
            "aik" => usual with { Aik = SampleQuote.Modulus(SampleQuote.Another) },
            "binding" => usual with { Binding = usual.Binding! with { Signature = Flipped(usual.Binding!.Signature.ToArray(), 1000) } },
            "label digest" => usual with { Binding = usual.Binding! with { LabelDigest = TpmDigest.AllOnes } },
            "nonce" => usual with { Nonce = default(TpmNonce) },
            "authority" => usual with { Authority = SampleQuote.Modulus(SampleQuote.Another) },
            "approval" => usual with { Configuration = usual.Configuration! with { Signature = Flipped(usual.Configuration!.Signature.ToArray(), 77) } },
            "sequence" => usual with { Configuration = unsigned with { Sequence = 6 } },
            "platform" => usual with { Configuration = unsigned with { Platforms = [unsigned.Platforms[1]] } },
            "platform alone" => usual with { Platforms = [new ApprovedPlatform(0x020001, TpmDigest.AllOnes)] },
            "kernel of the list" => usual with { Kernels = [], Configuration = unsigned with { Kernels = [unsigned.Kernels[0]] } },
            "kernel" => usual with { Kernels = [TpmDigest.AllOnes] },
            "kernel that is not admitted" => usual with { Configuration = unsigned with { Kernels = [unsigned.Kernels[0]] } },
            "uuid" => usual with { Uuid = Guid.Empty },
            "hardware" => usual with { HardwarePcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [23] = [TpmDigest.AllOnes] } },
            "virtual" => usual with { VirtualPcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [10] = [TpmDigest.AllOnes, default] } },
            _ => usual with { Locality = 3 },
        };
        DeepQuoteVerdict verdict = new SampleQuote().Verify(other);
        Assert.Equal(subjects.Split(','), verdict.Statements.Where(statement => statement.Result == DeepQuoteResult.Wrong).Select(statement => statement.Subject));
        Assert.False(verdict.Holds);
    }

    [Fact]
    public void Verify_WithExpectedPcrsThatAreNotInTheQuote_IsRefusedAndNamesThem()
    {
        DeepQuotePolicy policy = SampleQuote.Policy with
        {
            VirtualPcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [4] = [new TpmDigest(SampleQuote.Bytes(4, 20))], [11] = [default], [12] = [default] },
            HardwarePcrs = new Dictionary<int, IReadOnlyList<TpmDigest>> { [1] = [default] },
        };
        DeepQuoteVerdict verdict = new SampleQuote().Verify(policy);
        Assert.Equal((DeepQuoteResult.NotShown, DeepQuoteResult.NotShown), (verdict["virtual-pcrs"].Result, verdict["hardware-pcrs"].Result));
        Assert.Contains("PCRs 11-12", verdict["virtual-pcrs"].Detail, StringComparison.Ordinal);
        Assert.False(verdict.Holds);
    }

    [Fact]
    public void Verify_WithoutThePcrsOfAnyPlatform_SaysWhichAreMissing()
    {
        DeepQuotePolicy policy = SampleQuote.Policy with { Platforms = [new ApprovedPlatform(0x0000FF, TpmDigest.AllOnes)] };
        DeepQuoteStatement platform = new SampleQuote().Verify(policy)["platform"];
        Assert.Equal(DeepQuoteResult.NotShown, platform.Result);
        Assert.Contains("PCRs 1-3,5-7", platform.Detail, StringComparison.Ordinal);
    }

    /// <summary>Who was told composites alone has them compared with the whole of the quote.</summary>
    [Fact]
    public void Verify_WithAPlatformOfUnknownPcrs_ComparesAllThatAreQuoted()
    {
        var quote = new SampleQuote();
        byte[] whole = SampleQuote.Composite(0x820011, [.. quote.Hardware.Values]);
        var policy =
            new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik), Platforms = [new ApprovedPlatform(null, new TpmDigest(whole))] };
        Assert.Equal(DeepQuoteResult.Shown, quote.Verify(policy)["platform"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, quote.Verify(policy with { Platforms = [new ApprovedPlatform(null, default)] })["platform"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, quote.Verify(policy with { Platforms = [new ApprovedPlatform(0, new TpmDigest(SampleQuote.Composite(0)))] })["platform"].Result);
    }

    /// <summary>A configuration that admits nothing lets nothing pass.</summary>
    [Fact]
    public void Verify_AgainstAConfigurationOfNothing_IsRefused()
    {
        var quote = new SampleQuote { Platforms = [], Kernels = [] };
        DeepQuotePolicy policy =
            SampleQuote.Policy with { Kernels = [], Configuration = new ApprovedConfiguration { Sequence = 7, Platforms = [], Kernels = [] } };
        DeepQuoteVerdict verdict = quote.Verify(policy);
        Assert.Equal(["platform", "vtpm"], verdict.Statements.Where(statement => statement.Fails).Select(statement => statement.Subject));
    }

    [Fact]
    public void Verify_OfALocalityAbove7_TellsItAndMatchesNone()
    {
        var quote = new SampleQuote { Locality = 0 };
        DeepQuotePolicy policy = SampleQuote.Policy with { Locality = null };
        Assert.Contains("none of 0 to 7", quote.Verify(policy)["locality"].Detail, StringComparison.Ordinal);
        for (int locality = 0; locality < 8; locality++) Assert.Equal(DeepQuoteResult.Wrong, quote.Verify(policy with { Locality = locality })["locality"].Result);
    }

    [Fact]
    public void Verify_OfAnEndorsementKey_ShowsThatKeyAlone()
    {
        var quote = new SampleQuote { EndorsementKey = SampleQuote.PubKey(SampleQuote.Another, 3, 1) };
        byte[] sha256 = SHA256.HashData(SampleQuote.Modulus(SampleQuote.Another));
        var policy = new DeepQuotePolicy
        {
            Aik = SampleQuote.Modulus(SampleQuote.Aik),
            Nonce = new TpmNonce(SampleQuote.NonceBytes),
            Platforms = [new ApprovedPlatform(0x020001, new TpmDigest(quote.Platforms[1]))],
            EndorsementKeySha256 = sha256,
        };
        DeepQuoteVerdict verdict = quote.Verify(policy);
        Assert.True(verdict.Holds, string.Join('\n', verdict.ToLines()));
        Assert.Equal(DeepQuoteResult.Shown, verdict["endorsement-key"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, quote.Verify(policy with { EndorsementKeySha256 = new byte[32] })["endorsement-key"].Result);
        Assert.Equal(DeepQuoteResult.Wrong, quote.Verify(policy with { Nonce = default(TpmNonce) })["nonce"].Result);
        // What such a quote cannot say, it does not show: it is refused where that was asked for.
        Assert.Equal(
            ["authority", "configuration", "vtpm", "uuid", "virtual-pcrs", "locality"],
            quote.Verify(SampleQuote.Policy).Statements.Where(statement => statement.Result == DeepQuoteResult.NotShown).Select(statement => statement.Subject));
        Assert.Equal(DeepQuoteResult.NotShown, new SampleQuote().Verify(policy)["endorsement-key"].Result);
    }

    /// <summary>One kind of evidence is not the other, however alike the file is.</summary>
    [Fact]
    public void Verify_OfADeepQuoteOfferedAsAnEndorsementKey_IsRefused()
    {
        JsonObject evidence = new SampleQuote { EndorsementKey = SampleQuote.PubKey(SampleQuote.Another, 3, 1) }.ToJson();
        evidence["signature"] = new SampleQuote { Flags = 0 }.ToJson()["signature"]!.GetValue<string>();
        AssertUnsigned(evidence);
    }

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("even")]
    [InlineData("small")]
    public void Verify_WithAnIdentityKeyThatIsNone_IsTheVerifiersError(string what)
    {
        byte[] modulus = SampleQuote.Modulus(SampleQuote.Aik);
        byte[] aik = what switch { "" => [], "short" => modulus[1..], "even" => Flipped(modulus, 255 * 8), _ => [0, .. modulus[1..]] };
        Assert.Throws<ArgumentException>(() => new SampleQuote().Verify(new DeepQuotePolicy { Aik = aik }));
    }

    [Fact]
    public void Verify_WithAConfigurationOfNobody_IsTheVerifiersError() =>
        Assert.Throws<ArgumentException>(() => new SampleQuote().Verify(SampleQuote.Policy with { Authority = default }));

    private static void AssertUnsigned(JsonObject evidence)
    {
        DeepQuoteVerdict verdict = Verify(evidence, new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik) });
        Assert.False(verdict.Holds);
        Assert.Equal(DeepQuoteResult.Wrong, verdict["signature"].Result);
    }

    private static DeepQuoteVerdict Verify(JsonObject evidence, DeepQuotePolicy policy) =>
        DeepQuoteVerifier.Verify(JsonSerializer.SerializeToUtf8Bytes(evidence), policy);

    private static IEnumerable<string> Leaves(KeyValuePair<string, JsonNode?> property) => property.Value is JsonObject inner
        ? inner.SelectMany(Leaves).Select(path => $"{property.Key}.{path}")
        : [property.Key];

    private static (JsonObject Parent, string Name) Find(JsonObject root, string path)
    {
        string[] names = path.Split('.');
        return (names[..^1].Aggregate(root, (parent, name) => parent[name]!.AsObject()), names[^1]);
    }

    /// <summary>False when the field is no text of hexadecimal digits, or has no such bit.</summary>
    private static bool Flip(JsonObject evidence, string path, int bit)
    {
        (JsonObject parent, string name) = Find(evidence, path);
        if (parent[name] is not JsonValue value || !value.TryGetValue(out string? hex) || !hex.All(char.IsAsciiHexDigit)) return false;
        byte[] bytes = Convert.FromHexString(hex);
        if (bit / 8 >= bytes.Length) return false;
        parent[name] = Convert.ToHexStringLower(Flipped(bytes, bit));
        return true;
    }

    private static byte[] Flipped(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << bit % 8);
        return flipped;
    }
}
