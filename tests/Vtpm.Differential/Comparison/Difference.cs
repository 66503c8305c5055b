using System.Text;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Comparison;

/// <summary>A step, and what both have answered.</summary>
public sealed record AnsweredStep(Step Step, StepAnswer Answer);

/// <summary>Two answers to one command that are not the same; or to a question about the state that a command has left.</summary>
/// <param name="Step">The step that was answered differently.</param>
/// <param name="After">The step after which the state was asked for; null when the step itself is answered differently.</param>
/// <param name="What">The first field that differs.</param>
/// <param name="Ours">What our engine answered.</param>
/// <param name="Theirs">What swtpm answered.</param>
public sealed record Difference(Step Step, AnsweredStep? After, string What, StepAnswer Ours, StepAnswer Theirs)
{
    public TpmOrdinal Ordinal => (Step as CommandStep)?.Ordinal ?? default;

    public Mutation? Mutation => (Step as CommandStep)?.Mutation;

    public string OurValue => ValueOf(Ours);

    public string TheirValue => ValueOf(Theirs);

    /// <summary>Whether the step's own words have this in them: the conditions of known differences.</summary>
    public bool Says(string words) => Step.Words.Contains(words, StringComparison.Ordinal);

    /// <summary>Whether both refused, one with any of these codes.</summary>
    public bool IsBetween(TpmResult ours, params ReadOnlySpan<TpmResult> theirs) => Ours.Result == ours && theirs.Contains(Theirs.Result);

    public bool BothSucceeded => Ours.Succeeded && Theirs.Succeeded;

    /// <summary>Whether theirs is ours with zeros in some places.</summary>
    public bool IsOnlyLessInTheirs =>
        OurValue.Length == TheirValue.Length && OurValue.Zip(TheirValue).All(pair => pair.First == pair.Second || pair.Second == '0');

    public bool BothFailed => !Ours.Succeeded && !Theirs.Succeeded;

    /// <summary>Whether one side has done what the other refused: from here on their states differ.</summary>
    public bool Parts => Ours.Succeeded != Theirs.Succeeded;

    /// <summary>The same kind of difference, whatever led to it.</summary>
    public bool IsLike(Difference other) => Kind == other.Kind;

    /// <summary>What it is about, in one line.</summary>
    public string Kind => $"{Ordinal}{(Mutation is null ? "" : $" ({Mutation.Kind})")}{(After is null ? "" : " as state")}: {What}, ours {Ours.Result}, swtpm {Theirs.Result}";

    public string Describe()
    {
        var text = new StringBuilder();
        text.AppendLine(After is null ? $"  {Step.Words}" : $"  {Step.Words}, asked after {After.Step.Words}: {After.Answer.Result}");
        text.AppendLine($"  differs in: {What}");
        text.AppendLine($"  ours   {Ours.Result,-18} {(What == "result" ? "" : OurValue)}");
        text.AppendLine($"  swtpm  {Theirs.Result,-18} {(What == "result" ? "" : TheirValue)}");
        text.AppendLine($"  ours   {Convert.ToHexStringLower(Ours.Bytes)}");
        text.AppendLine($"  swtpm  {Convert.ToHexStringLower(Theirs.Bytes)}");
        return text.ToString();
    }

    private string ValueOf(StepAnswer answer) => answer.Fields.FirstOrDefault(field => field.Name == What).Value ?? "nothing";
}
