using System.Diagnostics;
using Vtpm.Differential.Comparison;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential;

/// <summary>Leaves out steps that a difference does not need.</summary>
public sealed class Shrinker(Laboratory laboratory, RunResult run, TimeSpan limit)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The fewest steps found that still lead to the same kind of difference.</summary>
    public IReadOnlyList<Step> Shrink(out Difference difference)
    {
        difference = run.Failure!;
        List<Step> steps = [.. run.History];
        for (int size = Math.Max(1, steps.Count / 2); size >= 1; size = size == 1 ? 0 : size / 2)
        {
            // From the end: the last step stays, it is the one that differs.
            for (int start = steps.Count - 1 - size; start >= 0 && _clock.Elapsed < limit; start = start == 0 ? -1 : Math.Max(0, start - size))
            {
                List<Step> fewer = [.. steps[..start], .. steps[(start + size)..]];
                if (Replay(fewer) is not { } found || !found.IsLike(run.Failure!)) continue;
                steps = fewer;
                difference = found;
                start = Math.Min(start, steps.Count - 1);
            }
        }

        return steps;
    }

    /// <summary>The first difference of the kind that is looked for.</summary>
    private Difference? Replay(List<Step> steps)
    {
        laboratory.Restore(run.Beginning);
        foreach (Step step in steps)
        {
            if (laboratory.Run(step, out StepAnswer answer).FirstOrDefault(difference => KnownDifferences.Find(difference) is null) is { } found) return found;
            if (run.Failure!.After is null || step is CommandStep { Ordinal: TpmOrdinal.Sha1Start or TpmOrdinal.Sha1Update or TpmOrdinal.SaveState }) continue;
            if (laboratory.Probe([(CommandStep)run.Failure.Step], new AnsweredStep(step, answer)).FirstOrDefault(left => left.IsLike(run.Failure)) is { } left) return left;
        }

        return null;
    }
}
