using System.Text.RegularExpressions;
using Vtpm.Differential.Comparison;
using Vtpm.Differential.Steps;
using Xunit;

namespace Vtpm.Differential.Tests;

/// <summary>The list of known differences: each is in docs/differences.md, each still shows, and none is wider than it needs to be.</summary>
public sealed partial class KnownDifferencesTests(LaboratoryFixture fixture) : IClassFixture<LaboratoryFixture>
{
    public static TheoryData<string> Rows => [.. KnownDifferences.All.Select(known => known.Row)];

    [Fact]
    public void Rows_OfTheDocument_AreThoseOfTheList()
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "differences.md"));
        IEnumerable<string> rows = RowName().Matches(text).Select(match => match.Groups[1].Value);
        Assert.Equal(KnownDifferences.All.Select(known => known.Row).Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Example_OfARow_ShowsThatDifferenceAndNoOther(string row)
    {
        KnownDifference known = KnownDifferences.All.Single(item => item.Row == row);
        fixture.Laboratory.Restore(known.Beginning);
        foreach (Step step in known.Example.SkipLast(1)) Assert.Empty(fixture.Laboratory.Run(step, out _));

        IReadOnlyList<Difference> differences = fixture.Laboratory.Run(known.Example[^1], out StepAnswer answer);
        if (differences.Count == 0)
            differences = fixture.Laboratory.Probe(StateProbe.Full, new AnsweredStep(known.Example[^1], answer));
        foreach (Difference difference in differences) Assert.True(KnownDifferences.Find(difference) is not null, difference.Describe());
        Assert.Contains(row, differences.Select(difference => KnownDifferences.Find(difference)?.Row));
    }

    [GeneratedRegex(@"^\| `([a-z0-9-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex RowName();
}
