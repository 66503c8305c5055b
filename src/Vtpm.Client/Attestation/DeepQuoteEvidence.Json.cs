using System.Text.Json;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <content>The file: JSON of version 1, described in docs/deep-quotes.md.</content>
public sealed partial record DeepQuoteEvidence
{
    /// <summary>The number in the file; a reader refuses any other.</summary>
    public const int FormatVersion = 1;

    /// <summary>All 48 PCRs with everything else are a tenth of it.</summary>
    public const int MaxFileSize = 64 * 1024;

    private const int MaxPubKeySize = 600;

    /// <exception cref="DeepQuoteFormatException">The bytes are not evidence of this version, whole and with nothing besides.</exception>
    public static DeepQuoteEvidence Parse(ReadOnlyMemory<byte> utf8) => StrictJson.Read(utf8, MaxFileSize, Read);

    /// <summary>The file's bytes: JSON for people to read, with a line feed at its end.</summary>
    public byte[] ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", FormatVersion);
            json.WriteString("kind", NameOf(Kind));
            WriteHex(json, "nonce", Nonce.ReadOnlySpan);
            if (Kind == DeepQuoteKind.DeepQuote) WriteHashes(json);
            Write(json, "hardwarePcrs", HardwarePcrs);
            if (VirtualPcrs is { } pcrs)
            {
                Write(json, "virtualPcrs", pcrs);
                WriteHex(json, "localityAtRelease", [LocalityAtRelease]);
            }

            if (EndorsementKey is { } key) WriteHex(json, "endorsementKey", WireFormat.ToBytes(key));
            WriteHex(json, "signature", Signature.Span);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static DeepQuoteEvidence Read(StrictJson json)
    {
        if (json.Int32("version") is var version and not FormatVersion)
            throw new DeepQuoteFormatException($"it is of version {version}; this program knows version {FormatVersion}");
        return json.Text("kind") switch
        {
            "deep-quote" => json.Object("hashes", hashes => new DeepQuoteEvidence
            {
                Kind = DeepQuoteKind.DeepQuote,
                Nonce = new TpmNonce(json.Hex("nonce", TpmNonce.Size)),
                UuidHash = hashes.OptionalDigest("uuid"),
                VtpmHash = hashes.OptionalDigest("vtpm"),
                GroupHash = hashes.OptionalDigest("group"),
                AuthorityHash = hashes.OptionalDigest("authority"),
                HardwarePcrs = json.Object("hardwarePcrs", ReadPcrs),
                VirtualPcrs = json.Object("virtualPcrs", ReadPcrs),
                LocalityAtRelease = json.Hex("localityAtRelease", 1)[0],
                Signature = json.Hex("signature", Rsa2048.Size),
            }),
            "endorsement-key" => new DeepQuoteEvidence
            {
                Kind = DeepQuoteKind.EndorsementKey,
                Nonce = new TpmNonce(json.Hex("nonce", TpmNonce.Size)),
                HardwarePcrs = json.Object("hardwarePcrs", ReadPcrs),
                EndorsementKey = ReadKey(json),
                Signature = json.Hex("signature", Rsa2048.Size),
            },
            _ => throw json.Wrong("kind", "deep-quote or endorsement-key"),
        };
    }

    private static PcrValues ReadPcrs(StrictJson json)
    {
        try
        {
            return new PcrValues(json.Int32("sizeOfSelect"), json.Object("values", values => values.ByPcr((inner, name) => inner.Digest(name))));
        }
        catch (ArgumentException e)
        {
            throw new DeepQuoteFormatException(e.Message, e);
        }
    }

    private static TpmPubKey ReadKey(StrictJson json) =>
        WireFormat.Read(json.Hex("endorsementKey", 1, MaxPubKeySize), out TpmPubKey key) == TpmResult.Success
            ? key
            : throw json.Wrong("endorsementKey", "a TPM_PUBKEY");

    private static string NameOf(DeepQuoteKind kind) => kind == DeepQuoteKind.DeepQuote ? "deep-quote" : "endorsement-key";

    private static void WriteHex(Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes) =>
        json.WriteString(name, Convert.ToHexStringLower(bytes));

    private static void Write(Utf8JsonWriter json, string name, PcrValues pcrs)
    {
        json.WriteStartObject(name);
        json.WriteNumber("sizeOfSelect", pcrs.SizeOfSelect);
        json.WriteStartObject("values");
        foreach ((int pcr, TpmDigest value) in pcrs.Values) WriteHex(json, $"{pcr}", value.ReadOnlySpan);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteHashes(Utf8JsonWriter json)
    {
        json.WriteStartObject("hashes");
        WriteHash("uuid", UuidHash);
        WriteHash("vtpm", VtpmHash);
        WriteHash("group", GroupHash);
        WriteHash("authority", AuthorityHash);
        json.WriteEndObject();

        void WriteHash(string name, TpmDigest? hash)
        {
            if (hash is { } value) WriteHex(json, name, value.ReadOnlySpan);
        }
    }
}
