using System.Globalization;

namespace Vtpm.Wire.Tests;

/// <summary>A line of a vector: some bytes, and the field they are, if they are one.</summary>
internal sealed record VectorPart(string Name, int Offset, byte[] Prefix, byte[] Content)
{
    public bool IsField => !Name.StartsWith('(');

    public int ContentOffset => Offset + Prefix.Length;
}

/// <summary>A structure laid out by hand (Vectors/structures.txt).</summary>
internal sealed record StructureVector(string Structure, string Title, IReadOnlyList<VectorPart> Parts)
{
    private static readonly Lazy<IReadOnlyDictionary<string, StructureVector>> s_all = new(() => Parse().ToDictionary(v => v.Title));

    public static IReadOnlyDictionary<string, StructureVector> All => s_all.Value;

    public byte[] Bytes => [.. Parts.SelectMany(part => (byte[])[.. part.Prefix, .. part.Content])];

    /// <summary>The lines of an embedded file of vectors, without its comments.</summary>
    public static IEnumerable<string> Lines(string file)
    {
        using Stream stream = typeof(StructureVector).Assembly.GetManifestResourceStream(file)!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#') yield return line;
        }
    }

    private static List<StructureVector> Parse()
    {
        List<StructureVector> vectors = [];
        List<VectorPart> parts = [];
        int offset = 0;
        foreach (string line in Lines("structures.txt"))
        {
            if (line[0] == '=')
            {
                parts = [];
                offset = 0;
                vectors.Add(new StructureVector(line.Split(' ')[1], line[2..], parts));
                continue;
            }

            int space = line.IndexOf(' ', StringComparison.Ordinal);
            string[] hex = line[space..].Split('|');
            byte[] prefix = hex.Length == 2 ? Hex(hex[0]) : [];
            byte[] content = Hex(hex[^1]);
            parts.Add(new VectorPart(line[..space], offset, prefix, content));
            offset += prefix.Length + content.Length;
        }

        return vectors;
    }

    private static byte[] Hex(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(token =>
        {
            string[] repeated = token.Split('*');
            byte[] bytes = Convert.FromHexString(repeated[0]);
            int times = repeated.Length == 2 ? int.Parse(repeated[1], CultureInfo.InvariantCulture) : 1;
            return Enumerable.Repeat(bytes, times).SelectMany(b => b);
        }),
    ];
}
