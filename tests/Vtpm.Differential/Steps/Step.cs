using Vtpm.Differential.Sides;
using Vtpm.Wire;

namespace Vtpm.Differential.Steps;

/// <summary>
/// One thing that is done to both TPMs. It names what it uses (key 2, session 3, blob 5), so that it can be done again, on others, and without some of
/// the steps before it: what a name stands for is looked up on each side when the step is run.
/// </summary>
public abstract class Step(string words)
{
    /// <summary>The step in words, for reports.</summary>
    public string Words { get; protected init; } = words;

    /// <summary>What the generator makes of our answer.</summary>
    public Action<StepAnswer>? Observed { get; set; }

    public abstract StepAnswer Run(TpmSide side);

    public override string ToString() => Words;
}

/// <summary>A part of an answer that the two sides must have in common.</summary>
public readonly record struct Field(string Name, string Value);

/// <summary>What one side answered, reduced to what can be compared.</summary>
public sealed record StepAnswer(TpmResult Result, IReadOnlyList<Field> Fields, byte[] Bytes)
{
    public bool Succeeded => Result == TpmResult.Success;

    /// <summary>What two answers do not have in common.</summary>
    public static IEnumerable<string> Compare(StepAnswer ours, StepAnswer theirs)
    {
        if (ours.Result != theirs.Result) return ["result"];
        return ours.Fields.Except(theirs.Fields).Concat(theirs.Fields.Except(ours.Fields)).Select(field => field.Name).Distinct();
    }
}

/// <summary>The power goes and comes.</summary>
public sealed class PowerStep() : Step("power cycle")
{
    public override StepAnswer Run(TpmSide side)
    {
        side.PowerCycle();
        return new StepAnswer(TpmResult.Success, [], []);
    }
}

/// <summary>The commands to come are at another locality.</summary>
public sealed class LocalityStep(int locality) : Step($"locality {locality}")
{
    public override StepAnswer Run(TpmSide side)
    {
        side.SetLocality(locality);
        return new StepAnswer(TpmResult.Success, [], []);
    }
}
