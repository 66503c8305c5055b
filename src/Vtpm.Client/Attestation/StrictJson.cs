using System.Text.Json;
using System.Text.Unicode;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>Reads JSON of a stranger's: bounded in size and depth, every property known and there once, every value of its exact form.</summary>
internal sealed class StrictJson
{
    private const int MaxDepth = 6;

    private readonly JsonElement _object;
    private readonly string _path;
    private readonly HashSet<string> _read = [];

    private StrictJson(JsonElement element, string path)
    {
        (_object, _path) = (element, path);
        if (element.ValueKind != JsonValueKind.Object) throw new DeepQuoteFormatException($"{(path.Length == 0 ? "it" : path)} is no JSON object");
    }

    /// <summary>Reads a document by <paramref name="read"/>, whatever the bytes are.</summary>
    /// <exception cref="DeepQuoteFormatException">They are not what is read.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> utf8, int maxSize, Func<StrictJson, T> read)
    {
        if (utf8.Length > maxSize) throw new DeepQuoteFormatException($"it has {utf8.Length} bytes; {maxSize} are the most");
        if (!Utf8.IsValid(utf8.Span)) throw new DeepQuoteFormatException("it is not UTF-8");
        try
        {
            using var document = JsonDocument.Parse(utf8, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
            return ReadObject(document.RootElement, "", read);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The latter is half a surrogate pair, escaped.
            throw new DeepQuoteFormatException($"it is not the JSON that it should be: {e.Message}", e);
        }
    }

    public bool Has(string name) => _object.TryGetProperty(name, out _);

    public string Text(string name) => TextOf(Element(name), Path(name));

    public int Int32(string name) => Number(name).TryGetInt32(out int value) ? value : throw Wrong(name, "a whole number");

    public ulong UInt64(string name) => Number(name).TryGetUInt64(out ulong value) ? value : throw Wrong(name, "a whole number");

    /// <summary>A value in as many hexadecimal digits as its bytes need.</summary>
    public byte[] Hex(string name, int size) => Hex(name, size, size);

    public byte[] Hex(string name, int minSize, int maxSize) => HexOf(Element(name), Path(name), minSize, maxSize);

    public TpmDigest Digest(string name) => new(Hex(name, TpmDigest.Size));

    public TpmDigest? OptionalDigest(string name) => Has(name) ? Digest(name) : null;

    /// <summary>A list of texts, each read by <paramref name="read"/> from it and its place; an absent one is empty.</summary>
    public T[] List<T>(string name, Func<string, string, T> read)
    {
        if (!Has(name)) return [];
        JsonElement element = Element(name);
        if (element.ValueKind != JsonValueKind.Array) throw Wrong(name, "a list");
        return [.. element.EnumerateArray().Select((item, index) => read(TextOf(item, $"{Path(name)}[{index}]"), $"{Path(name)}[{index}]"))];
    }

    public bool IsText(string name) => Has(name) && _object.GetProperty(name).ValueKind == JsonValueKind.String;

    public T Object<T>(string name, Func<StrictJson, T> read) => ReadObject(Element(name), Path(name), read);

    /// <summary>PCR numbers, each with what <paramref name="read"/> makes of its name.</summary>
    public KeyValuePair<int, T>[] ByPcr<T>(Func<StrictJson, string, T> read) =>
        [.. _object.EnumerateObject().Select(property => KeyValuePair.Create(PcrOf(property.Name), read(this, property.Name)))];

    public DeepQuoteFormatException Wrong(string name, string expected) => new($"{Path(name)} is not {expected}");

    internal static TpmDigest DigestOf(string hex, string path) => new(Bytes(hex, path, TpmDigest.Size, TpmDigest.Size));

    private static T ReadObject<T>(JsonElement element, string path, Func<StrictJson, T> read)
    {
        var json = new StrictJson(element, path);
        T value = read(json);
        foreach (JsonProperty property in element.EnumerateObject())
            if (!json._read.Contains(property.Name)) throw new DeepQuoteFormatException($"{json.Path(property.Name)} is nothing that is known here");
        return value;
    }

    private static byte[] HexOf(JsonElement element, string path, int minSize, int maxSize) => Bytes(TextOf(element, path), path, minSize, maxSize);

    private static byte[] Bytes(string hex, string path, int minSize, int maxSize)
    {
        string size = minSize == maxSize ? $"{2 * minSize}" : $"{2 * minSize} to {2 * maxSize}";
        if (hex.Length < 2 * minSize || hex.Length > 2 * maxSize || hex.Length % 2 != 0 || !hex.All(char.IsAsciiHexDigit))
            throw new DeepQuoteFormatException($"{path} is not {size} hexadecimal digits");
        return Convert.FromHexString(hex);
    }

    private static string TextOf(JsonElement element, string path) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new DeepQuoteFormatException($"{path} is no text");

    private int PcrOf(string name) =>
        PcrList.TryParsePcr(name, out int pcr) && name == $"{pcr}"
            ? pcr
            : throw new DeepQuoteFormatException($"{Path(name)} is no PCR; there are 0 to {PcrList.Count - 1}");

    private JsonElement Number(string name) =>
        Element(name) is { ValueKind: JsonValueKind.Number } element ? element : throw Wrong(name, "a whole number");

    private JsonElement Element(string name)
    {
        _read.Add(name);
        return _object.TryGetProperty(name, out JsonElement element) ? element : throw new DeepQuoteFormatException($"{Path(name)} is missing");
    }

    private string Path(string name) => _path.Length == 0 ? name : $"{_path}.{name}";
}
