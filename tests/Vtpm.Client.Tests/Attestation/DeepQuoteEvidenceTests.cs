using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Vtpm.Client.Attestation;
using Xunit;

namespace Vtpm.Client.Tests.Attestation;

/// <summary>The file of evidence: what is taken, and that nothing else is.</summary>
public class DeepQuoteEvidenceTests
{
    private const string Likely = "0123456789abcdefABCDEF\"{}[],:\\ ";

    [Theory]
    [InlineData(15u, false)]
    [InlineData(0u, false)]
    [InlineData(5u, false)]
    [InlineData(0u, true)]
    public void ToJson_OfWhatWasParsed_IsTheSameEvidence(uint flags, bool ofEndorsementKey)
    {
        var quote = new SampleQuote { Flags = flags, EndorsementKey = ofEndorsementKey ? SampleQuote.PubKey(SampleQuote.Another, 3, 1) : [] };
        byte[] written = DeepQuoteEvidence.Parse(quote.ToFile()).ToJson();
        JsonNode? read = JsonNode.Parse(written);
        Assert.True(JsonNode.DeepEquals(quote.ToJson(), read), Encoding.UTF8.GetString(written));
        Assert.Equal(written, DeepQuoteEvidence.Parse(written).ToJson());
    }

    public static TheoryData<string, string, string> Malformed => new()
    {
        { "\"version\":1", "\"version\":2", "version 2" },
        { "\"version\":1", "\"version\":\"1\"", "version" },
        { "\"version\":1", "\"version\":1.0", "version" },
        { "\"version\":1,", "", "version is missing" },
        { "\"version\":1", "\"version\":1,\"version\":1", "version" },
        { "\"version\":1", "\"version\":1,\"note\":\"\"", "note" },
        { "\"version\":1", "\"version\":1,\"endorsementKey\":\"00\"", "endorsementKey" },
        { "deep-quote", "deep-Quote", "kind" },
        { "deep-quote", "endorsement-key", "endorsementKey is missing" },
        { "\"hashes\":{", "\"hashes\":{\"other\":\"00\",", "hashes.other" },
        { "\"hashes\":{", "\"hashes\":[{", "JSON" },
        { "\"uuid\":\"", "\"uuid\":\"0", "hashes.uuid" },
        { "\"uuid\":\"", "\"uuid\":\"zz", "hashes.uuid" },
        { "\"nonce\":\"10", "\"nonce\":\"", "nonce" },
        { "\"nonce\":\"10", "\"nonce\":\"\\ud800", "JSON" },
        { "\"nonce\":\"1011", "\"nonce\":\"+1-1", "nonce" },
        { "\"sizeOfSelect\":3", "\"sizeOfSelect\":2", "PCR 17" },
        { "\"sizeOfSelect\":3", "\"sizeOfSelect\":4", "1 to 3" },
        { "\"sizeOfSelect\":3", "\"sizeOfSelect\":0", "1 to 3" },
        { "\"sizeOfSelect\":3", "\"sizeOfSelect\":-2147483648", "1 to 3" },
        { "\"17\":", "\"24\":", "values.24" },
        { "\"17\":", "\"017\":", "values.017" },
        { "\"17\":", "\"+17\":", "values.+17" },
        { "\"17\":", "\"4\":", "4" },
        { "\"17\":", "\"\\u0034\":", "4" },
        { "\"17\":", "\"-1\":", "values.-1" },
        { "\"localityAtRelease\":\"01\"", "\"localityAtRelease\":\"0001\"", "localityAtRelease" },
        { "\"localityAtRelease\":\"01\"", "\"localityAtRelease\":null", "localityAtRelease" },
        { "{\"version\"", "[{\"version\"", "JSON" },
        { "{\"version\"", "\u00EF\u00BB\u00BF{\"version\"", "JSON" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Parse_OfAnotherForm_SaysWhatIsWrong(string from, string to, string names)
    {
        string text = new SampleQuote().ToJson().ToJsonString();
        Assert.Contains(from, text, StringComparison.Ordinal);
        int at = text.IndexOf(from, StringComparison.Ordinal);
        byte[] changed = Encoding.UTF8.GetBytes(text[..at] + to + text[(at + from.Length)..]);
        var exception = Assert.Throws<DeepQuoteFormatException>(() => DeepQuoteEvidence.Parse(changed));
        Assert.Contains(names, exception.Message, StringComparison.Ordinal);
        Assert.False(DeepQuoteVerifier.Verify(changed, SampleQuote.Policy).Holds);
    }

    [Fact]
    public void Parse_OfNoPcrs_IsRefused()
    {
        foreach (string pcrs in (string[])["hardwarePcrs", "virtualPcrs"])
        {
            JsonObject json = new SampleQuote().ToJson();
            json[pcrs]!["values"] = new JsonObject();
            Assert.Throws<DeepQuoteFormatException>(() => DeepQuoteEvidence.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        }
    }

    [Fact]
    public void Parse_OfBytesThatAreHuge_IsRefusedUnread()
    {
        byte[] file = [.. new SampleQuote().ToFile(), .. Enumerable.Repeat((byte)' ', DeepQuoteEvidence.MaxFileSize)];
        Assert.Contains("65536", Assert.Throws<DeepQuoteFormatException>(() => DeepQuoteEvidence.Parse(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("1e999999999")]
    [InlineData("\"\\ud800\"")]
    public void Parse_OfOtherJson_IsRefused(string text) =>
        Assert.Throws<DeepQuoteFormatException>(() => DeepQuoteEvidence.Parse(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("{\"version\":")]
    [InlineData("[")]
    public void Parse_OfDeepNesting_IsRefused(string open) => Assert.Throws<DeepQuoteFormatException>(
        () => DeepQuoteEvidence.Parse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(open, 4000)))));

    [Fact]
    public void Parse_OfBytesThatAreNoText_IsRefused()
    {
        byte[] file = new SampleQuote().ToFile();
        file[Array.IndexOf(file, (byte)'n')] = 0xFF;
        Assert.Throws<DeepQuoteFormatException>(() => DeepQuoteEvidence.Parse(file));
    }

    /// <summary>
    /// Bytes of a true evidence file changed, put in, taken out and doubled: it never throws, and holds only where the content is still the same (the
    /// case of a digit, a space more). VTPM_EVIDENCE_MUTATIONS and VTPM_SEED choose more and others.
    /// </summary>
    [Fact]
    public void Verify_OfMutatedFiles_NeverThrowsAndNeverHolds()
    {
        int count = Number("VTPM_EVIDENCE_MUTATIONS", 5000);
        int seed = Number("VTPM_SEED", 20261126);
        var random = new Random(seed);
        foreach (byte[] file in (byte[][])[new SampleQuote().ToFile(), new SampleQuote { EndorsementKey = SampleQuote.PubKey(SampleQuote.Another, 3, 1) }.ToFile()])
        {
            byte[] same = DeepQuoteEvidence.Parse(file).ToJson();
            var policy = new DeepQuotePolicy { Aik = SampleQuote.Modulus(SampleQuote.Aik) };
            int refused = 0;
            for (int i = 0; i < count / 2; i++)
            {
                byte[] mutated = Mutate(random, file);
                DeepQuoteVerdict verdict = DeepQuoteVerifier.Verify(mutated, policy);
                if (!verdict.Holds) refused++;
                else Assert.True(DeepQuoteEvidence.Parse(mutated).ToJson().AsSpan().SequenceEqual(same), $"seed {seed}, mutation {i}: {Encoding.UTF8.GetString(mutated)}");
            }

            Assert.True(refused > count / 4, $"{refused} of {count / 2} were refused");
        }
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private static byte[] Mutate(Random random, byte[] file)
    {
        List<byte> bytes = [.. file];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(bytes.Count);
            int length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)Likely[random.Next(Likely.Length)]; break;
                case 2: bytes.RemoveRange(at, length); break;
                case 3: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 4: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
                default: bytes.Insert(at, (byte)random.Next(256)); break;
            }

            if (bytes.Count == 0) break;
        }

        return [.. bytes];
    }
}
