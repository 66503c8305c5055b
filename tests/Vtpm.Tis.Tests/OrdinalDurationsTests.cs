using Vtpm.Engine;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>The driver's table against what each of the engine's commands says of itself.</summary>
public class OrdinalDurationsTests
{
    public static TheoryData<TpmOrdinal> Ordinals => [.. Enum.GetValues<TpmOrdinal>()];

    private static readonly Dictionary<TpmOrdinal, Duration> Declared = CommandTable.Create(TestKit.TestTpm.EveryCommand, hasParent: false).Commands
        .ToDictionary(command => command.Traits.Ordinal, command => command.Traits.Duration);

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Ordinal_IsOfTheClassThatItsCommandDeclares(TpmOrdinal ordinal)
    {
        OrdinalDuration expected = Declared.TryGetValue(ordinal, out Duration duration)
            ? duration switch { Duration.Short => OrdinalDuration.Short, Duration.Medium => OrdinalDuration.Medium, _ => OrdinalDuration.Long }
            : OrdinalDuration.Unknown;
        Assert.Equal(expected, OrdinalDurations.Of((uint)ordinal));
    }

    [Theory]
    [InlineData(0x0000_017A)]   // TPM2_GetCapability
    [InlineData(0x2000_0001)]   // a vendor's
    [InlineData(0xFFFF_FFFF)]
    public void Ordinal_ThatNobodyKnows_MayTakeAsLongAsAny(uint ordinal)
    {
        Assert.Equal(OrdinalDuration.Unknown, OrdinalDurations.Of(ordinal));
        Assert.Equal(TisTimings.Tpm12.Long, TisTimings.Tpm12.DurationOf(ordinal));
    }
}
