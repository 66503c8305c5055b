using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>A test, and what its name says that it is about: <c>Seal_Actions5aAnd8To10_PcrInfoLong_IsStoredData12</c>.</summary>
/// <remarks>
/// The first word is the command, or several joined by <c>And</c>; the second a keyword with action numbers. A list is <c>3</c>, <c>5b</c>,
/// <c>5a2</c> (what is below the letter is for the reader), ranges of these with <c>To</c>, joined by <c>And</c>. Names without it are about no
/// action.
/// </remarks>
public sealed partial record CoveringTest(
    string Method, IReadOnlyList<string> Commands, string Keyword, IReadOnlyList<(ActionUnit First, ActionUnit Last)> Ranges)
{
    /// <summary>Every test of this assembly.</summary>
    public static IReadOnlyList<CoveringTest> All { get; } =
    [
        .. Assembly.GetExecutingAssembly().GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.GetCustomAttribute<FactAttribute>() is not null)
            .Select(method => Parse(method.Name)),
    ];

    /// <summary>The units of a list that this test covers.</summary>
    public IEnumerable<ActionUnit> UnitsOf(ActionList list) => IsAbout(list) ? Ranges.SelectMany(range => list.Between(range.First, range.Last)) : [];

    /// <summary>A list "Oiap.Validation" is that of tests Oiap_Validation...; one without a second word that of tests with Action or Actions.</summary>
    public bool IsAbout(ActionList list)
    {
        string[] name = list.Name.Split('.');
        return Commands.Contains(name[0]) && Keyword == (name.Length == 1 ? "Action" : name[1]);
    }

    public static CoveringTest Parse(string method)
    {
        string[] words = method.Split('_');
        string[] commands = words[0].Split("And");
        Match match = words.Length < 2 ? Match.Empty : Numbers().Match(words[1]);
        if (!match.Success) return new CoveringTest(method, commands, "", []);
        var ranges = match.Groups["list"].Value.Split("And").Select(ParseRange).ToList();
        return new CoveringTest(method, commands, match.Groups["keyword"].Value, ranges);
    }

    private static (ActionUnit First, ActionUnit Last) ParseRange(string text)
    {
        string[] ends = text.Split("To");
        return (ParseUnit(ends[0]), ParseUnit(ends[^1]));
    }

    private static ActionUnit ParseUnit(string text) =>
        ActionUnit.TryParse(text, out ActionUnit unit) ? unit : throw new FormatException($"{text} is no action");

    [GeneratedRegex("^(?<keyword>[A-Z][a-z]+?)s?(?<list>[0-9]+([a-z][0-9]*)?((And|To)[0-9]+([a-z][0-9]*)?)*)$")]
    private static partial Regex Numbers();
}
