using Vtpm.Differential.Steps;

namespace Vtpm.Differential.Comparison;

/// <summary>A difference that is decided: a row of docs/differences.md, and exactly what it covers.</summary>
/// <param name="Row">The name of its row.</param>
/// <param name="Covers">Whether a difference is this one.</param>
/// <param name="Example">Steps of which the last shows it.</param>
public sealed record KnownDifference(string Row, Func<Difference, bool> Covers, params IReadOnlyList<Step> Example)
{
    /// <summary>A difference of the state that is there all the time, and does no harm to what comes after.</summary>
    public bool IsLasting { get; init; }

    /// <summary>What the example begins with.</summary>
    public Beginning Beginning { get; init; } = Beginning.Owned;
}
