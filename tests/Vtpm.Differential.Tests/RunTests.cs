using Vtpm.Differential.Comparison;
using Xunit;

namespace Vtpm.Differential.Tests;

/// <summary>The short form of the comparison; the long one is a program of its own (CONTRIBUTING.md).</summary>
public sealed class RunTests(LaboratoryFixture fixture) : IClassFixture<LaboratoryFixture>
{
    private const int Commands = 400;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 4)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Run_OfASeed_AnswersAndStatesAreThoseOfSwtpm(int seed)
    {
        RunResult result = new Run(fixture.Laboratory, seed).Execute(Commands);
        Assert.True(result.Failure is null, $"step {result.Step}: {result.Failure?.Describe()}");
        Assert.Equal(Commands, result.Commands);
        // Much of what is compared is what TPMs do, not what they refuse.
        Assert.True(result.Successes > Commands / 4, $"only {result.Successes} of {Commands} commands were carried out");
    }

    [Fact]
    public void Run_OfTheSameSeed_SendsTheSameCommands()
    {
        List<string>[] words = [[], []];
        foreach (List<string> run in words) new Run(fixture.Laboratory, seed: 3) { Trace = (_, step, _) => run.Add(step.Words) }.Execute(100);
        Assert.Equal(words[0], words[1]);
    }
}
