using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>
/// A verifier's policy as a JSON file of version 1, described in docs/deep-quotes.md. Everything in it is optional; keys and signed configurations
/// are names of files.
/// </summary>
public static class DeepQuotePolicyFile
{
    public const int FormatVersion = 1;

    public const int MaxFileSize = 1024 * 1024;

    /// <param name="utf8">The file's bytes.</param>
    /// <param name="readFile">Reads a file that it names.</param>
    /// <exception cref="DeepQuoteFormatException">It, or a file that it names, is not in its form.</exception>
    public static DeepQuotePolicy Parse(ReadOnlyMemory<byte> utf8, Func<string, byte[]> readFile)
    {
        ArgumentNullException.ThrowIfNull(readFile);
        return StrictJson.Read(utf8, MaxFileSize, json => Read(json, readFile));
    }

    private static DeepQuotePolicy Read(StrictJson json, Func<string, byte[]> readFile)
    {
        if (json.Int32("version") is var version and not FormatVersion)
            throw new DeepQuoteFormatException($"it is of version {version}; this program knows version {FormatVersion}");
        return new DeepQuotePolicy
        {
            Aik = Key(json, "aik", readFile),
            Binding = json.Has("identity") ? json.Object("identity", identity => ReadBinding(identity, readFile)) : null,
            Authority = Key(json, "authority", readFile),
            Configuration = ReadConfiguration(json, readFile),
            Platforms = json.List("platforms", ReadPlatform),
            Kernels = [.. json.List("kernels", StrictJson.DigestOf), .. json.List("labels", static (label, _) => DeepQuotePolicy.KernelOf(label))],
            Uuid = json.Has("uuid") ? ReadUuid(json) : null,
            HardwarePcrs = ReadPcrs(json, "hardwarePcrs"),
            VirtualPcrs = ReadPcrs(json, "virtualPcrs"),
            Locality = json.Has("locality") ? json.Int32("locality") : null,
            EndorsementKeySha256 = json.Has("endorsementKeySha256") ? json.Hex("endorsementKeySha256", 32) : ReadOnlyMemory<byte>.Empty,
        };
    }

    private static ReadOnlyMemory<byte> Key(StrictJson json, string name, Func<string, byte[]> readFile) =>
        json.Has(name) ? FromFile(json, name, readFile, static bytes => PublicKeyFile.Parse(bytes)) : ReadOnlyMemory<byte>.Empty;

    private static IdentityBinding ReadBinding(StrictJson json, Func<string, byte[]> readFile) => new(
        FromFile(json, "binding", readFile, static bytes => bytes),
        json.Has("labelDigest") ? json.Digest("labelDigest") : default);

    private static ApprovedConfiguration? ReadConfiguration(StrictJson json, Func<string, byte[]> readFile)
    {
        if (!json.Has("configuration")) return null;
        if (json.IsText("configuration")) return FromFile(json, "configuration", readFile, static bytes => ApprovedConfiguration.Parse(bytes));
        return json.Object("configuration", list => new ApprovedConfiguration
        {
            Sequence = list.UInt64("sequence"),
            Platforms = list.List("platforms", ReadPlatform),
            Kernels = list.List("kernels", StrictJson.DigestOf),
        });
    }

    private static T FromFile<T>(StrictJson json, string name, Func<string, byte[]> readFile, Func<byte[], T> parse)
    {
        string file = json.Text(name);
        try
        {
            return parse(readFile(file));
        }
        catch (DeepQuoteFormatException e)
        {
            throw new DeepQuoteFormatException($"{file}: {e.Message}", e);
        }
    }

    private static ApprovedPlatform ReadPlatform(string text, string path)
    {
        try
        {
            return ApprovedPlatform.Parse(text);
        }
        catch (FormatException e)
        {
            throw new DeepQuoteFormatException($"{path}: {e.Message}", e);
        }
    }

    private static Guid ReadUuid(StrictJson json) =>
        Guid.TryParseExact(json.Text("uuid"), "D", out Guid uuid) ? uuid : throw json.Wrong("uuid", "a uuid");

    private static IReadOnlyDictionary<int, IReadOnlyList<TpmDigest>> ReadPcrs(StrictJson json, string name)
    {
        if (!json.Has(name)) return DeepQuotePolicy.NoPcrs;
        KeyValuePair<int, TpmDigest[]>[] pcrs = json.Object(name, values => values.ByPcr((inner, pcr) => inner.List(pcr, StrictJson.DigestOf)));
        return pcrs.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<TpmDigest>)pair.Value);
    }
}
