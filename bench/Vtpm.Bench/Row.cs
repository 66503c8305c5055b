using System.Globalization;

namespace Vtpm.Bench;

internal enum Unit
{
    Milliseconds,

    /// <summary>Of CPU time.</summary>
    Microseconds,
    Kibibytes,
    PerSecond,
    Count,
}

/// <summary>What a row must show: its ratio, other over ours, at least this.</summary>
internal sealed record Aim(string Text, double Ratio)
{
    public static Aim TenTimes { get; } = new("at most 1/10", 10);

    public static Aim FourTimes { get; } = new("4 times as fast", 4);

    public static Aim NoMore { get; } = new("no more", 1);

    /// <summary>Making a key is a search for primes: two medians of such a lottery are equal when they are within a quarter.</summary>
    public static Aim OnAPar { get; } = new("on a par (within 1/4)", 0.8);

    /// <summary>The disk's own cost, and the rest of the command beside it.</summary>
    public static Aim DiskCost { get; } = new("the disk's cost (within 1/4)", 0.8);
}

/// <summary>One figure of both, or of ours alone where the other has no counterpart.</summary>
internal sealed record Row(string Figure, Unit Unit, Samples Ours, Samples? Theirs = null, Aim? Aim = null, string Other = "")
{
    public double Ratio => Theirs is null ? double.NaN : Theirs.Median / Ours.Median;

    public string Verdict => Aim is null ? "" : Ratio >= Aim.Ratio ? "hit" : "miss";

    public static string Number(double value) => value.ToString(value < 10 ? "0.000" : value < 100 ? "0.00" : value < 1000 ? "0.0" : "0", CultureInfo.InvariantCulture);

    public string[] Cells() =>
    [
        Figure,
        Unit switch { Unit.Milliseconds => "ms", Unit.Microseconds => "µs CPU", Unit.Kibibytes => "KiB", Unit.PerSecond => "1/s", _ => "" },
        Number(Ours.Median), Number(Ours.P95), Theirs is null ? "" : Number(Theirs.Median) + Other, Theirs is null ? "" : Number(Theirs.P95),
        Theirs is null ? "" : Ratio.ToString("0.00", CultureInfo.InvariantCulture), Aim?.Text ?? "", Verdict,
    ];
}
