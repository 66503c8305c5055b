using System.Collections.Immutable;
using System.Text;

namespace Vtpm.Boot;

/// <summary>
/// The settings of an xl configuration (xl.cfg(5)), read by the grammar of Xen's own reader: assignments and additions, strings in either quotes,
/// numbers, lists over several lines, comments. What that reader refuses is refused here.
/// </summary>
public sealed class XlConfiguration
{
    /// <summary>The longest file that is read; real ones have a few kilobytes.</summary>
    public const int LongestFile = 1 << 20;

    private const int DeepestList = 8;

    private readonly Dictionary<string, XlValue> _settings = new(StringComparer.Ordinal);
    private readonly XlLexer _lexer;
    private XlToken _token;

    private XlConfiguration(string text)
    {
        _lexer = new XlLexer(text);
        _token = _lexer.Next();
        while (_token.Kind != XlTokenKind.End) ReadStatement();
    }

    /// <exception cref="BootException">The message says in which line what is wrong.</exception>
    public static XlConfiguration Parse(ReadOnlySpan<byte> file)
    {
        if (file.Length > LongestFile) throw new BootException($"it has more than {LongestFile} bytes, and is no xl configuration");
        if (file.Contains((byte)0)) throw new BootException("it holds a zero byte, and is no xl configuration");
        return new XlConfiguration(Encoding.Latin1.GetString(file));
    }

    /// <summary>A setting's text; null where there is none.</summary>
    /// <exception cref="BootException">It is a list.</exception>
    public string? Text(string name)
    {
        if (!_settings.TryGetValue(name, out XlValue? value)) return null;
        return value.Text ?? throw XlLexer.At(value.Line, $"{name}= has one value and is no list");
    }

    /// <summary>The texts of a list; empty where there is none.</summary>
    /// <exception cref="BootException">It is not a list of texts.</exception>
    public ImmutableArray<string> List(string name)
    {
        if (!_settings.TryGetValue(name, out XlValue? value)) return [];
        if (value.Text is not null) throw XlLexer.At(value.Line, $"{name}= is a list: write {name}=[ ... ]");
        return [.. value.Items.Select(item => item.Text ?? throw XlLexer.At(item.Line, $"{name}= holds a list where a text belongs"))];
    }

    private void ReadStatement()
    {
        if (_token.Kind == XlTokenKind.Name) ReadAssignment();
        if (_token.Kind is XlTokenKind.NewLine or XlTokenKind.Semicolon) Advance();
        else if (_token.Kind != XlTokenKind.End) throw Unexpected("the end of the line");
    }

    private void ReadAssignment()
    {
        string name = _token.Text;
        Advance();
        bool adds = _token.Kind == XlTokenKind.Add;
        if (!adds) Expect(XlTokenKind.Assign, "= or +=");
        Advance();
        XlValue value = ReadValue(depth: 0);
        // The last of several counts.
        _settings[name] = adds && _settings.TryGetValue(name, out XlValue? before) ? Sum(name, before, value) : value;
    }

    private static XlValue Sum(string name, XlValue before, XlValue value)
    {
        if (before.Text is null != value.Text is null) throw XlLexer.At(value.Line, $"{name} += adds a list to a text, or a text to a list");
        // Each addition copies what is there: a file of nothing else must not take minutes.
        const int longest = 1 << 13;
        if (before.Text?.Length > longest || before.Items.Length > longest) throw XlLexer.At(value.Line, $"{name} is too long");
        return value with { Text = value.Text is null ? null : before.Text + value.Text, Items = [.. before.Items, .. value.Items] };
    }

    private XlValue ReadValue(int depth)
    {
        XlToken token = _token;
        if (token.Kind is XlTokenKind.String or XlTokenKind.Number)
        {
            Advance();
            return new XlValue(token.Text, [], token.Line);
        }

        if (token.Kind != XlTokenKind.Open) throw Unexpected("a number, a string in quotes, or a list in brackets");
        if (depth == DeepestList) throw XlLexer.At(token.Line, $"lists are {DeepestList} deep and more");
        Advance();
        return new XlValue(null, ReadItems(depth + 1), token.Line);
    }

    private ImmutableArray<XlValue> ReadItems(int depth)
    {
        var items = ImmutableArray.CreateBuilder<XlValue>();
        SkipNewLines();
        while (_token.Kind != XlTokenKind.Close)
        {
            items.Add(ReadValue(depth));
            SkipNewLines();
            if (_token.Kind == XlTokenKind.Close) break;
            Expect(XlTokenKind.Comma, ", or ]");
            Advance();
            SkipNewLines();
        }

        Advance();
        return items.DrainToImmutable();
    }

    private void SkipNewLines()
    {
        while (_token.Kind == XlTokenKind.NewLine) Advance();
    }

    private void Advance() => _token = _lexer.Next();

    private void Expect(XlTokenKind kind, string what)
    {
        if (_token.Kind != kind) throw Unexpected(what);
    }

    private BootException Unexpected(string what)
    {
        string found = _token.Kind switch
        {
            XlTokenKind.End => "the file ends",
            XlTokenKind.NewLine => "the line ends",
            _ => $"'{(_token.Text.Length > 40 ? _token.Text[..40] + "..." : _token.Text)}' stands",
        };
        return XlLexer.At(_token.Line, $"{found} where {what} belongs");
    }
}
