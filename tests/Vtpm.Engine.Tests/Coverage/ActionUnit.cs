using System.Globalization;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>A numbered action, or one of its lettered parts: 3, 5b.</summary>
public readonly record struct ActionUnit(int Number, char Letter)
{
    /// <summary>An action as a whole.</summary>
    public const char NoLetter = ' ';

    /// <summary>Reads a number with or without a letter; further digits, as in 5a2, point to what is below the letter and are dropped.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ActionUnit unit)
    {
        int digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits])) digits++;
        unit = default;
        if (digits == 0) return false;
        ReadOnlySpan<char> rest = text[digits..];
        if (!rest.IsEmpty && (!char.IsAsciiLetterLower(rest[0]) || rest[1..].ContainsAnyExceptInRange('0', '9'))) return false;
        unit = new ActionUnit(int.Parse(text[..digits], CultureInfo.InvariantCulture), rest.IsEmpty ? NoLetter : rest[0]);
        return true;
    }

    /// <summary>Puts the actions of a list in order; an action comes before its letters.</summary>
    public int Rank => (Number << 8) + Letter;

    public override string ToString() => Letter == NoLetter ? $"{Number}" : $"{Number}{Letter}";
}
