using System.Globalization;

namespace Vtpm.Differential;

/// <summary>The command line.</summary>
public sealed record Options
{
    public const string Usage = """
        Vtpm.Differential [--seed N] [--seeds COUNT] [--commands N] [--until STEP] [OPTION...]
          Sends the same commands to our engine and to swtpm, and compares answers and states.
          --seed N        the first seed (1)
          --seeds COUNT   how many, one after the other (1)
          --commands N    commands of each seed (1000)
          --until STEP    ends after this step, and shows the last twenty
          --verbose       shows every step
          --always        compares all of the state after every step: slow
          --survey        goes on after differences, and lists their kinds in the end
          --keep-going    goes on with the next seed after a difference
          --no-shrink     does not look for the fewest steps that show the difference
          --statistics    how often each command was sent, and carried out
        """;

    public int Seed { get; private init; } = 1;

    public int Seeds { get; private init; } = 1;

    public int Commands { get; private init; } = 1000;

    public int? Until { get; private init; }

    public bool Verbose { get; private init; }

    public bool Always { get; private init; }

    public bool Survey { get; private init; }

    public bool KeepGoing { get; private init; }

    public bool Shrinks { get; private init; } = true;

    public bool Statistics { get; private init; }

    /// <summary>Null for what is no command line.</summary>
    public static Options? Parse(ReadOnlySpan<string> args) => args switch
    {
        [] => new Options(),
        ["--seed", var number, .. var rest] when Number(number) is { } seed => Parse(rest) is { } options ? options with { Seed = seed } : null,
        ["--seeds", var number, .. var rest] when Number(number) is { } seeds => Parse(rest) is { } options ? options with { Seeds = seeds } : null,
        ["--commands", var number, .. var rest] when Number(number) is { } commands => Parse(rest) is { } options ? options with { Commands = commands } : null,
        ["--until", var number, .. var rest] when Number(number) is { } step => Parse(rest) is { } options ? options with { Until = step } : null,
        ["--verbose", .. var rest] => Parse(rest) is { } options ? options with { Verbose = true } : null,
        ["--always", .. var rest] => Parse(rest) is { } options ? options with { Always = true } : null,
        ["--survey", .. var rest] => Parse(rest) is { } options ? options with { Survey = true } : null,
        ["--keep-going", .. var rest] => Parse(rest) is { } options ? options with { KeepGoing = true } : null,
        ["--no-shrink", .. var rest] => Parse(rest) is { } options ? options with { Shrinks = false } : null,
        ["--statistics", .. var rest] => Parse(rest) is { } options ? options with { Statistics = true } : null,
        _ => null,
    };

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
