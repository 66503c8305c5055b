using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Coverage;

/// <summary>
/// Every numbered action of Part 3 has a test that is named after it, or a reason why it cannot: <c>ActionLists.txt</c> against the tests' names.
/// </summary>
public class ActionCoverageTests
{
    private static readonly HashSet<TpmOrdinal> Implemented =
        [.. CommandTable.Create(TestTpm.EveryCommand).Commands.Select(command => command.Traits.Ordinal)];

    public static TheoryData<string> Lists => [.. ActionList.All.Where(HasTests).Select(list => list.Name)];

    [Fact]
    public void Lists_EveryOrdinal_HasOne()
    {
        string[] commands = [.. ActionList.All.Where(list => list.Name == list.Command).Select(list => list.Name)];
        Assert.Equal(Enum.GetNames<TpmOrdinal>().Order(), commands.Order());
    }

    [Fact]
    public void Lists_Command_IsInTheTableOrCalledAbsent() => Assert.All(
        ActionList.All.Where(list => list.Name == list.Command),
        list => Assert.Equal(list.Absent is null, Implemented.Contains(Enum.Parse<TpmOrdinal>(list.Name))));

    [Fact]
    public void Lists_Marks_AreOfActionsOfTheList()
    {
        foreach (ActionList list in ActionList.All)
        {
            Assert.Equal(list.Units.Distinct().OrderBy(unit => unit.Rank), list.Units);
            Assert.Empty(list.Untestable.Keys.Except(list.Units));
        }
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public void Action_OfACommandOfTheTable_HasATestOrAReason(string name)
    {
        ActionList list = ActionList.All.Single(list => list.Name == name);
        HashSet<ActionUnit> covered = [.. CoveringTest.All.SelectMany(test => test.UnitsOf(list))];
        string missing = string.Join(' ', list.Units.Except(covered).Except(list.Untestable.Keys));
        Assert.True(missing.Length == 0, $"no test of {name} is named after: {missing}. Write them, or say why not in {ActionList.Resource}.");
        // A range may go over such an action: the test is of those around it.
        IEnumerable<ActionUnit> named = CoveringTest.All
            .Where(test => test.IsAbout(list))
            .SelectMany(test => test.Ranges)
            .Where(range => range.First == range.Last)
            .Select(range => range.First);
        string needless = string.Join(' ', list.Untestable.Keys.Intersect(named));
        Assert.True(needless.Length == 0, $"{ActionList.Resource} says of {name} {needless} that it cannot have a test, but it has one.");
    }

    [Fact]
    public void Test_NamedAfterActions_NamesSomeThatThereAre()
    {
        IEnumerable<string> astray = CoveringTest.All
            .Where(test => test.Keyword == "Action")
            .Where(test => !test.Commands.All(IsCommand) || test.Ranges.Any(range => !ActionList.All.Any(list => IsIn(test, range, list))))
            .Select(test => test.Method);
        Assert.Empty(astray);
    }

    [Theory]
    [InlineData("Seal_Action5b_A_B", "5b")]
    [InlineData("Seal_Action5a2_A_B", "5a")]
    [InlineData("Seal_Actions6To8_A_B", "6 7 8")]
    [InlineData("Seal_Actions3To5aAnd11_A_B", "3 4 5a")]
    [InlineData("Seal_Actions4To5And8_A_B", "4 5a 5b 8")]
    [InlineData("Seal_Action5_A_B", "")]
    [InlineData("UnsealAndSeal_Action13_A_B", "13")]
    [InlineData("Sealx_Action13_A_B", "")]
    [InlineData("Seal_Description1_A_B", "")]
    [InlineData("Seal_KeyBoundToOtherPcrs_B", "")]
    public void Name_OfATest_TellsItsActions(string method, string units) =>
        Assert.Equal(units, string.Join(' ', CoveringTest.Parse(method).UnitsOf(ActionList.All.Single(list => list.Name == "Seal"))));

    /// <summary>The power's coming on is no command, but has its action.</summary>
    private static bool HasTests(ActionList list) =>
        list.Units.Count > 0 && (!Enum.TryParse(list.Command, out TpmOrdinal ordinal) || ordinal == TpmOrdinal.Init || Implemented.Contains(ordinal));

    private static bool IsCommand(string name) => ActionList.All.Any(list => list.Command == name);

    /// <summary>A letter or number alone points to an action also where its letters are listed: it is only no test of each.</summary>
    private static bool IsIn(CoveringTest test, (ActionUnit First, ActionUnit Last) range, ActionList list) =>
        test.IsAbout(list) && list.Units.Any(unit => unit.Number >= range.First.Number && unit.Number <= range.Last.Number);
}
