using System.Globalization;
using System.Text;

namespace Vtpm.Boot;

/// <summary>
/// The words of an xl configuration, by the rules of Xen's own reader (xl.cfg(5)). A byte of the file is a character here, whatever its encoding: what
/// is measured are bytes.
/// </summary>
internal sealed class XlLexer(string text)
{
    private int _at;
    private int _line = 1;

    /// <exception cref="BootException">Xen's reader would not take it either.</exception>
    public XlToken Next()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t') _at++;
        if (_at == text.Length) return new XlToken(XlTokenKind.End, "", _line);
        char first = text[_at];
        switch (first)
        {
            case '#':
                SkipComment();
                return NewLine();
            case '\n':
                return NewLine();
            case '\'' or '"':
                return String(first);
            case '+' when _at + 1 < text.Length && text[_at + 1] == '=':
                _at += 2;
                return new XlToken(XlTokenKind.Add, "+=", _line);
        }

        if (Punctuation(first) is { } kind)
        {
            _at++;
            return new XlToken(kind, first.ToString(), _line);
        }

        if (char.IsAsciiLetterLower(first)) return Word(XlTokenKind.Name, c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_');
        if (char.IsAsciiDigit(first)) return Word(XlTokenKind.Number, c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f' or 'x');
        throw Fault(first switch
        {
            '\r' => "it has the line ends of another system: xl reads lines that end with a line feed alone",
            _ => $"'{Printable(first)}' has no meaning here: a value is a number, a string in quotes, or a list in brackets",
        });
    }

    private static XlTokenKind? Punctuation(char c) => c switch
    {
        ',' => XlTokenKind.Comma,
        '[' => XlTokenKind.Open,
        ']' => XlTokenKind.Close,
        '=' => XlTokenKind.Assign,
        ';' => XlTokenKind.Semicolon,
        _ => null,
    };

    private void SkipComment()
    {
        int end = text.IndexOf('\n', _at);
        _at = end < 0 ? text.Length : end;
    }

    /// <summary>The end of the line, or of a last line that has none.</summary>
    private XlToken NewLine()
    {
        if (_at < text.Length) _at++;
        return new XlToken(XlTokenKind.NewLine, "", _line++);
    }

    private XlToken Word(XlTokenKind kind, Func<char, bool> belongs)
    {
        int start = _at;
        while (_at < text.Length && belongs(text[_at])) _at++;
        return new XlToken(kind, text[start.._at], _line);
    }

    private XlToken String(char quote)
    {
        var value = new StringBuilder();
        for (_at++; _at < text.Length && text[_at] != '\n';)
        {
            char c = text[_at++];
            if (c == quote) return new XlToken(XlTokenKind.String, value.ToString(), _line);
            value.Append(c == '\\' ? Escaped() : c);
        }

        throw Fault("a string does not end on its line; within a string write \\n for an end of line");
    }

    private char Escaped()
    {
        if (_at == text.Length || text[_at] == '\n') throw Fault("a backslash at the end of a line does not go on with the next one");
        char c = text[_at++];
        return c switch
        {
            '\\' or '\'' or '"' => c,
            'a' => '\a',
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\v',
            // Xen's reader takes such a number and forgets it: the guest's command line is another than it looks.
            'x' or (>= '0' and <= '7') => throw Fault($"xl drops characters that are written as numbers (\\{c}...): write the character itself"),
            _ => throw Fault($"\\{Printable(c)} is none of \\\\ \\' \\\" \\a \\b \\f \\n \\r \\t \\v"),
        };
    }

    private BootException Fault(string what) => At(_line, what);

    public static BootException At(int line, string what) => new(string.Create(CultureInfo.InvariantCulture, $"line {line}: {what}"));

    private static string Printable(char c) => c is > ' ' and < '\x7f' ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
}
