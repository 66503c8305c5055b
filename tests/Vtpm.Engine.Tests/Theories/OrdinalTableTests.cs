using System.Buffers.Binary;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>Every command against its row of Part 2 §17: what it declares, and what the pipeline makes of it.</summary>
public class OrdinalTableTests
{
    private static readonly CommandTable Commands = CommandTable.Create(TestTpm.EveryCommand);

    private readonly TheoryRunner _runner = new();

    /// <summary>A TPM that has an owner, and is enabled and activated.</summary>
    private readonly TpmState _owned = OwnedState();

    public static TheoryData<TpmOrdinal> Ordinals => [.. Commands.Commands.Select(command => command.Traits.Ordinal)];

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_Traits_AreThoseOfTheTable(TpmOrdinal ordinal)
    {
        OrdinalRow row = Row(ordinal);
        CommandTraits traits = Traits(ordinal);
        Assert.Equal((row.InHandles, row.OutHandles), (traits.InHandles, traits.OutHandles));
        Assert.Equal(row.Audit switch { "X" => Audit.Default, "N" => Audit.Never, _ => Audit.No }, traits.Audit);
        if (row.Duration != "?") Assert.Equal(row.Duration switch { "S" => Duration.Short, "M" => Duration.Medium, _ => Duration.Long }, traits.Duration);
    }

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_SessionCountOfTheTable_IsTakenAndAnyOtherIsBadTag(TpmOrdinal ordinal)
    {
        for (int sessions = 0; sessions <= 2; sessions++)
            Assert.Equal(Row(ordinal).Allows(sessions), ResultOf(_owned, ordinal, sessions) != TpmResult.BadTag);
        foreach (ushort tag in (ushort[])[0, 0x00C0, 0x00C4, 0x00C5, 0x8001, 0xFFFF])
        {
            byte[] request = Request(ordinal, 0);
            BinaryPrimitives.WriteUInt16BigEndian(request, tag);
            Assert.Equal(TpmResult.BadTag, _runner.Run(_owned, 0, request));
        }
    }

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_Disabled_AnswersAsTheTableSays(TpmOrdinal ordinal)
    {
        TpmState disabled = _owned with { Permanent = _owned.Permanent with { Flags = _owned.Permanent.Flags with { Disable = true } } };
        Check(disabled, ordinal, Row(ordinal).Disabled, TpmResult.Disabled);
    }

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_Deactivated_AnswersAsTheTableSays(TpmOrdinal ordinal) =>
        Check(_owned with { StClearFlags = _owned.StClearFlags with { Deactivated = true } }, ordinal, Row(ordinal).Deactivated, TpmResult.Deactivated);

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_WithoutOwner_AnswersAsTheTableSays(TpmOrdinal ordinal) =>
        Check(new TestTpm().State, ordinal, Row(ordinal).NoOwner, TpmResult.NoSrk);

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_BeforeStartup_InvalidPostInitUnlessItIsStartup(TpmOrdinal ordinal)
    {
        TpmState fresh = _owned with { StAnyFlags = new StAnyFlags { PostInitialise = true } };
        Check(fresh, ordinal, isAvailable: ordinal == TpmOrdinal.Startup, TpmResult.InvalidPostInit);
    }

    /// <summary>Part 1 §9.2 action 10a.</summary>
    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Command_FailureMode_OnlyTheResultAndCapabilitiesAreAnswered(TpmOrdinal ordinal)
    {
        bool isAvailable = ordinal is TpmOrdinal.GetTestResult or TpmOrdinal.GetCapability;
        TpmState failed = _owned with { FailureCause = FailureCause.Defect };
        Check(failed, ordinal, isAvailable, TpmResult.FailedSelfTest);
        Check(failed with { StAnyFlags = new StAnyFlags { PostInitialise = true } }, ordinal, isAvailable, TpmResult.FailedSelfTest);
    }

    [Fact]
    public void Ordinals_ThatNoCommandHas_AreBadOrdinal()
    {
        HashSet<TpmOrdinal> known = [.. Commands.Commands.Select(command => command.Traits.Ordinal)];
        uint[] elsewhere = [0x40000000, 0x40000009, 0x80000001, uint.MaxValue];
        IEnumerable<uint> candidates = Enumerable.Range(0, 0x400).Select(ordinal => (uint)ordinal).Concat(elsewhere);
        foreach (uint ordinal in candidates.Where(ordinal => !known.Contains((TpmOrdinal)ordinal)))
            Assert.Equal(TpmResult.BadOrdinal, ResultOf(_owned, (TpmOrdinal)ordinal, 0));
    }

    private static OrdinalRow Row(TpmOrdinal ordinal) =>
        OrdinalTable.All.GetValueOrDefault(ordinal) ?? throw new InvalidOperationException($"{ordinal} has no row in OrdinalTable: review Part 2 §17 and add it");

    private static CommandTraits Traits(TpmOrdinal ordinal)
    {
        Assert.Equal(TpmResult.Success, Commands.Find(ordinal, out TpmCommand command));
        return command.Traits;
    }

    /// <summary>A bare header gets past the availability or not; whatever the command says further on has another code.</summary>
    private void Check(TpmState state, TpmOrdinal ordinal, bool isAvailable, TpmResult otherwise)
    {
        int sessions = Row(ordinal).Sessions[^1] - '0';
        TpmResult result = ResultOf(state, ordinal, sessions);
        if (isAvailable) Assert.NotEqual(otherwise, result);
        else Assert.Equal(otherwise, result);
    }

    private TpmResult ResultOf(TpmState state, TpmOrdinal ordinal, int sessions) => _runner.Run(state, 0, Request(ordinal, sessions));

    private static byte[] Request(TpmOrdinal ordinal, int sessions)
    {
        byte[] request = [0, (byte)(0xC1 + sessions), 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), (uint)ordinal);
        return CorpusEntry.Sized(request);
    }

    private static TpmState OwnedState()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm.State;
    }
}
