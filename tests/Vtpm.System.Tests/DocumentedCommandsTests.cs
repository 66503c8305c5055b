using System.Text.RegularExpressions;
using Xunit;

namespace Vtpm.SystemTests;

/// <summary>What the documents for administrators tell them to type is understood: every command and option in them is one of the executable's.</summary>
public sealed partial class DocumentedCommandsTests
{
    [Theory]
    [InlineData("xen.md")]
    [InlineData("operations.md")]
    [InlineData("measured-boot.md")]
    public void Options_InADocument_AreInTheHelp(string document)
    {
        string text = File.ReadAllText(Path.Combine(VtpmBinary.Root(), "docs", document)).Replace("\\\n", " ", StringComparison.Ordinal);
        string[] commands = [.. Command().Matches(text).Select(match => match.Groups["rest"].Value)];
        Assert.NotEmpty(commands);
        Assert.Empty(commands.SelectMany(Unknown).Distinct());
    }

    /// <summary>The options of a command that neither its help nor that of its subcommand has.</summary>
    private static IEnumerable<string> Unknown(string command)
    {
        // What stands behind a comment sign or another command is not this one's.
        string[] words = command.Split([" #", " &&", " ;", " |", " >"], StringSplitOptions.None)[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!IsCommandOf(Help(), words[0])) return [$"vtpm {words[0]}"];
        string help = Help(words[0]);
        if (words[0] is "manage" or "approve") help += string.Concat(words.Skip(1).Where(word => IsCommandOf(help, word)).Select(word => Help(words[0], word)));
        return words.Select(word => Option().Match(word)).Where(option => option.Success && !help.Contains(option.Value, StringComparison.Ordinal))
            .Select(option => $"vtpm {words[0]} {option.Value}");
    }

    private static bool IsCommandOf(string help, string word) => SubCommand().IsMatch(word) && help.Contains($"\n  {word} ", StringComparison.Ordinal);

    private static string Help(params string[] command)
    {
        (int exitCode, string output) = VtpmProcess.Run([.. command, "--help"]);
        Assert.Equal(0, exitCode);
        return output;
    }

    /// <summary>A command line: at the beginning of a line or of a piece of code.</summary>
    [GeneratedRegex(@"(?:^|`)vtpm (?<rest>[a-z][^`\n]*)", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"^--[a-z][a-z-]+")]
    private static partial Regex Option();

    [GeneratedRegex("^[a-z][a-z-]+$")]
    private static partial Regex SubCommand();
}
