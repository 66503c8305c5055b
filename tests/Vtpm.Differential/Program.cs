using System.Diagnostics;
using Vtpm.Differential;
using Vtpm.Differential.Comparison;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

if (Options.Parse(args) is not { } options)
{
    Console.Error.WriteLine(Options.Usage);
    return 2;
}

var clock = Stopwatch.StartNew();
using var laboratory = new Laboratory();
Dictionary<string, int> known = [];
Dictionary<TpmOrdinal, (int Sent, int Done)> answers = [];
Dictionary<string, (int Count, int Seed, int Step, Difference First)> kinds = [];
int commands = 0, successes = 0, failures = 0;
for (int seed = options.Seed; seed < options.Seed + options.Seeds; seed++)
{
    RunResult result = RunSeed(seed);
    commands += result.Commands;
    successes += result.Successes;
    foreach ((string row, int count) in result.Known) known[row] = known.GetValueOrDefault(row) + count;
    foreach ((TpmOrdinal ordinal, (int sent, int done)) in result.Answers)
        answers[ordinal] = (answers.GetValueOrDefault(ordinal).Sent + sent, answers.GetValueOrDefault(ordinal).Done + done);
    if (result.Failure is null) continue;
    failures++;
    Report(result);
    if (!options.KeepGoing) break;
}

foreach ((string kind, (int count, int seed, int step, Difference first)) in kinds.OrderByDescending(pair => pair.Value.Count))
    Console.WriteLine($"{count} times {kind}; first: seed {seed}, step {step}\n{first.Describe()}");
foreach ((string row, int count) in known.OrderBy(pair => pair.Key, StringComparer.Ordinal)) Console.WriteLine($"{row,-40} {count,7} times");
if (options.Statistics)
{
    foreach ((TpmOrdinal ordinal, (int sent, int done)) in answers.OrderByDescending(pair => pair.Value.Sent))
        Console.WriteLine($"TPM_{ordinal,-28} {sent,7} sent {done,7} carried out");
}

Console.WriteLine($"{commands} commands, {successes} of them carried out, on both TPMs in {clock.Elapsed.TotalSeconds:f1} s: {failures} unknown differences");
return failures == 0 ? 0 : 1;

RunResult RunSeed(int seed)
{
    Queue<string> last = new();
    var run = new Run(laboratory, seed)
    {
        Until = options.Until,
        ProbesAlways = options.Always,
        Survey = options.Survey ? (difference, step) => Note(difference, seed, step) : null,
        Trace = (number, step, answer) =>
        {
            string line = $"{seed,5} {number,5}  {step.Words}: {answer.Result}";
            if (options.Verbose) Console.WriteLine(line);
            last.Enqueue(line);
            if (last.Count > 20) last.Dequeue();
        },
    };
    RunResult result = run.Execute(options.Commands);
    if (options.Until is not null && !options.Verbose)
    {
        foreach (string line in last) Console.WriteLine(line);
    }

    return result;
}

void Note(Difference difference, int seed, int step)
{
    failures++;
    kinds[difference.Kind] = kinds.TryGetValue(difference.Kind, out var kind) ? kind with { Count = kind.Count + 1 } : (1, seed, step, difference);
}

void Report(RunResult result)
{
    Console.WriteLine($"seed {result.Seed}, step {result.Step} (again: --seed {result.Seed} --until {result.Step} --verbose)");
    Console.WriteLine(result.Failure!.Describe());
    if (!options.Shrinks) return;
    IReadOnlyList<Step> steps = new Shrinker(laboratory, result, TimeSpan.FromSeconds(30)).Shrink(out Difference difference);
    Console.WriteLine($"  {steps.Count} steps that show it, on TPMs that are {result.Beginning}:");
    foreach (Step step in steps) Console.WriteLine($"    {step.Words}");
    Console.WriteLine(difference.Describe());
}
