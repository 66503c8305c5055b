using Vtpm.Differential.Comparison;
using Vtpm.Differential.Generation;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential;

/// <summary>What a run has come to.</summary>
/// <param name="Seed">Of the generator.</param>
/// <param name="Commands">Commands sent to both, without those that only ask for the state.</param>
/// <param name="Successes">Commands that both carried out.</param>
/// <param name="Failure">The first difference that is not known; null when there is none.</param>
/// <param name="Step">At which step.</param>
/// <param name="History">The steps that led there since the TPMs began, the last one included.</param>
/// <param name="Beginning">What they began with.</param>
/// <param name="Known">How often each row of docs/differences.md was met.</param>
/// <param name="Answers">How often each command was sent, and how often carried out.</param>
public sealed record RunResult(
    int Seed,
    int Commands,
    int Successes,
    Difference? Failure,
    int Step,
    IReadOnlyList<Step> History,
    Beginning Beginning,
    IReadOnlyDictionary<string, int> Known,
    IReadOnlyDictionary<TpmOrdinal, (int Sent, int Done)> Answers);

/// <summary>One seed: steps are made up, run on both sides and compared, until there are enough or one is answered differently.</summary>
public sealed class Run(Laboratory laboratory, int seed)
{
    private const int FullProbeInterval = 20;

    private readonly Generator _generator = new(seed);
    private readonly List<Step> _history = [];
    private readonly Dictionary<string, int> _known = [];
    private readonly Dictionary<TpmOrdinal, (int Sent, int Done)> _answers = [];
    private Beginning _beginning;
    private int _commands;
    private int _successes;

    /// <summary>Told about every step: its number, itself, and our answer.</summary>
    public Action<int, Step, StepAnswer>? Trace { get; init; }

    /// <summary>The step to end with, however many commands are still wanted.</summary>
    public int? Until { get; init; }

    /// <summary>Told about differences that are not known, instead of ending with the first.</summary>
    public Action<Difference, int>? Survey { get; init; }

    /// <summary>Compares all of the state after every step, and not only now and then.</summary>
    public bool ProbesAlways { get; init; }

    public RunResult Execute(int commands)
    {
        Begin(_generator.Beginning);
        for (int number = 1; _commands < commands && !(number > Until); number++)
        {
            Step step = _generator.Next();
            _history.Add(step);
            IReadOnlyList<Difference> differences = laboratory.Run(step, out StepAnswer answer);
            Trace?.Invoke(number, step, answer);
            Count(step, answer);
            if (Unknown(differences, number) is { } unknown) return Result(unknown, number);
            bool parts = differences.Any(difference => difference.Parts);
            if (!parts)
            {
                step.Observed?.Invoke(answer);
                if (IsPending(step)) continue;
                IReadOnlyList<CommandStep> probes = ProbesAlways || number % FullProbeInterval == 0 ? StateProbe.Full : StateProbe.Quick;
                IReadOnlyList<Difference> left = [.. laboratory.Probe(probes, new AnsweredStep(step, answer))];
                // What a known difference leaves behind is known with it.
                if (differences.Count == 0 && Unknown(left, number) is { } unknownState) return Result(unknownState, number);
                parts = left.Any(difference => KnownDifferences.Find(difference) is not { IsLasting: true });
            }

            if (parts) Begin(_generator.Beginning);
        }

        return Result(null, _history.Count);
    }

    /// <summary>Now nothing may be asked: it would end the SHA-1 thread, or make swtpm forget a saved state.</summary>
    private static bool IsPending(Step step) => step is CommandStep { Ordinal: TpmOrdinal.Sha1Start or TpmOrdinal.Sha1Update or TpmOrdinal.SaveState };

    /// <summary>The first of the differences that is not known; the others are counted.</summary>
    private Difference? Unknown(IReadOnlyList<Difference> differences, int number)
    {
        foreach (Difference difference in differences)
        {
            if (KnownDifferences.Find(difference) is { } known) _known[known.Row] = _known.GetValueOrDefault(known.Row) + 1;
            else if (Survey is null) return difference;
            else Survey(difference, number);
        }

        return null;
    }

    private void Begin(Beginning beginning)
    {
        _beginning = beginning;
        _history.Clear();
        laboratory.Restore(beginning);
        _generator.StartOver(beginning);
    }

    private void Count(Step step, StepAnswer answer)
    {
        if (step is not CommandStep command) return;
        _commands++;
        (int sent, int done) = _answers.GetValueOrDefault(command.Ordinal);
        _answers[command.Ordinal] = (sent + 1, done + (answer.Succeeded ? 1 : 0));
        if (answer.Succeeded) _successes++;
    }

    private RunResult Result(Difference? failure, int step) => new(seed, _commands, _successes, failure, step, _history, _beginning, _known, _answers);
}
