using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;
using static Vtpm.Wire.TpmPhysicalPresence;

namespace Vtpm.Engine.Tests.Commands.Ownership;

public class PhysicalPresenceTests
{
    [Theory]
    [InlineData(CmdEnable | Present)]
    [InlineData(LifetimeLock | TpmPhysicalPresence.Lock)]
    [InlineData(HwEnable | HwDisable)]
    [InlineData(CmdEnable | CmdDisable)]
    [InlineData(None)]
    [InlineData((TpmPhysicalPresence)0x0001)]
    public void TscPhysicalPresence_Actions2bTo2dAnd4_SettingsThatContradictOrAreNone_BadParameter(TpmPhysicalPresence settings) =>
        Assert.Equal(TpmResult.BadParameter, Set(new TestTpm(), settings));

    [Theory]
    [InlineData(TpmPhysicalPresence.Lock | Present)]
    [InlineData(Present | NotPresent)]
    public void TscPhysicalPresence_Actions3cAnd3d_AssertionsThatContradict_BadParameter(TpmPhysicalPresence settings)
    {
        var tpm = new TestTpm();
        Set(tpm, CmdEnable);
        Assert.Equal(TpmResult.BadParameter, Set(tpm, settings));
    }

    [Fact]
    public void TscPhysicalPresence_Actions2aAnd2eTo2gAnd2iTo2j_LifetimeLock_SettlesTheFlagsForever()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, Set(tpm, HwEnable | CmdEnable));
        Assert.Equal(TpmResult.Success, Set(tpm, HwDisable | LifetimeLock));
        Assert.Equal(
            (true, false, true),
            (
                tpm.State.Permanent.Flags.PhysicalPresenceCmdEnable,
                tpm.State.Permanent.Flags.PhysicalPresenceHwEnable,
                tpm.State.Permanent.Flags.PhysicalPresenceLifetimeLock));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.BadParameter, Set(tpm, CmdDisable));
        Assert.Equal(TpmResult.Success, Set(tpm, Present));
    }

    [Fact]
    public void TscPhysicalPresence_Action2h_CmdDisable_NoMorePresenceByCommand()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, Set(tpm, CmdDisable));
        Assert.False(tpm.State.Permanent.Flags.PhysicalPresenceCmdEnable);
        Assert.Equal(TpmResult.BadParameter, Set(tpm, Present));
        Assert.Equal(TpmResult.BadPresence, tpm.ResultOf(new ForceClear(), default));
    }

    [Fact]
    public void TscPhysicalPresence_Action3b_CommandNotEnabled_BadParameter() => Assert.Equal(TpmResult.BadParameter, Set(new TestTpm(), Present));

    [Fact]
    public void TscPhysicalPresence_Actions3gTo3i_PresentThenNotPresent_FollowsAndEndsWithTheBoot()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        Assert.True(tpm.State.StClearFlags.PhysicalPresence);
        Set(tpm, NotPresent);
        Assert.False(tpm.State.StClearFlags.PhysicalPresence);
        Set(tpm, Present);
        tpm.PowerCycle();
        Assert.False(tpm.State.StClearFlags.PhysicalPresence);
        Assert.True(tpm.State.Permanent.Flags.PhysicalPresenceCmdEnable);
    }

    [Fact]
    public void TscPhysicalPresence_Actions3eAnd3f_Lock_NoPresenceUntilNextBoot()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        Set(tpm, TpmPhysicalPresence.Lock);
        Assert.False(tpm.State.StClearFlags.PhysicalPresence);
        Assert.Equal(TpmResult.BadParameter, Set(tpm, Present));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, Set(tpm, Present));
    }

    [Fact]
    public void TscPhysicalPresence_WhileDisabledAndDeactivated_Success()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with
        {
            StClearFlags = new TpmStClearFlags { Deactivated = true },
            Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = true } },
        };
        tpm.AssertPresence();
        Assert.True(tpm.State.StClearFlags.PhysicalPresence);
    }

    [Theory]
    [InlineData(0, TpmResult.BadLocality)]
    [InlineData(2, TpmResult.BadLocality)]
    [InlineData(3, TpmResult.Success)]
    [InlineData(4, TpmResult.Success)]
    [InlineData(5, TpmResult.BadLocality)]
    public void TscResetEstablishmentBit_Actions1And2_ByLocality_ResetOrBadLocality(int locality, TpmResult expected)
    {
        var tpm = new TestTpm { Locality = locality };
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { TpmEstablished = true } } };
        Assert.Equal(expected, tpm.ResultOf(new TscResetEstablishmentBit(), default));
        Assert.Equal(expected != TpmResult.Success, tpm.State.Permanent.Flags.TpmEstablished);
    }

    private static TpmResult Set(TestTpm tpm, TpmPhysicalPresence settings) =>
        tpm.ResultOf(new TscPhysicalPresence(), new TscPhysicalPresenceRequest { PhysicalPresence = settings });
}
