namespace Vtpm.Boot;

/// <summary>What the text of a configuration consists of.</summary>
internal enum XlTokenKind
{
    End,
    NewLine,
    Name,
    Number,
    String,
    Comma,
    Open,
    Close,
    Assign,
    Add,
    Semicolon,
}

/// <param name="Kind">What it is.</param>
/// <param name="Text">Of a name, a number or a string, its quotes and escapes undone.</param>
/// <param name="Line">Where it stands, from 1.</param>
internal readonly record struct XlToken(XlTokenKind Kind, string Text, int Line);
