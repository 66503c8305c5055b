using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.OptIn;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Startup;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Ownership;

public class ClearTests
{
    [Fact]
    public void OwnerClear_ThenEnabledAndActivatedByPresence_TakesAnotherOwner()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        tpm.PowerCycle();
        tpm.AssertPresence(true);
        tpm.Send(new PhysicalEnable(), default);
        tpm.Send(new PhysicalSetDeactivated(), new PhysicalSetDeactivatedRequest { State = false });
        tpm.PowerCycle();
        tpm.TakeOwnership(TestTpm.WellKnown);
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.WellKnown));
    }

    [Fact]
    public void OwnerClear_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = UsedTpm.Create();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.WellKnown)));
        Assert.NotNull(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void DisableOwnerClear_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = UsedTpm.Create();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.WellKnown)));
        Assert.False(tpm.State.Permanent.Flags.DisableOwnerClear);
    }

    [Fact]
    public void DisableOwnerClear_Actions2And3_ByOwner_ForceClearAloneClears()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.True(tpm.State.Permanent.Flags.DisableOwnerClear);
        Assert.Equal(TpmResult.ClearDisabled, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Send(new ForceClear(), default);
        Assert.Null(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void DisableForceClear_Action1_Always_SetsTheFlagUntilNextBoot()
    {
        var tpm = new TestTpm();
        tpm.Send(new DisableForceClear(), default);
        Assert.True(tpm.State.StClearFlags.DisableForceClear);
        tpm.PowerCycle();
        Assert.False(tpm.State.StClearFlags.DisableForceClear);
    }

    [Fact]
    public void OwnerClear_Action2_Disabled_ClearDisabledUntilForceClear()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.ClearDisabled, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Send(new ForceClear(), default);
        Assert.False(tpm.State.Permanent.Flags.DisableOwnerClear);
    }

    [Fact]
    public void OwnerClear_WithoutOwner_NoSrk()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.NoSrk, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void ForceClear_WithoutOwner_Success()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SaveState(), default);
        tpm.Send(new ForceClear(), default);
        Assert.True(tpm.State.Permanent.Flags.Disable);
        Assert.Null(tpm.State.Permanent.SavedState);
    }

    [Fact]
    public void ForceClear_Action1_WithoutPresence_BadPresence()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.BadPresence, tpm.ResultOf(new ForceClear(), default));
    }

    [Fact]
    public void ForceClear_Action2_AfterDisableForceClear_ClearDisabledUntilNextBoot()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new DisableForceClear(), default);
        Assert.Equal(TpmResult.ClearDisabled, tpm.ResultOf(new ForceClear(), default));
        tpm.PowerCycle();
        tpm.AssertPresence(true);
        tpm.Send(new ForceClear(), default);
    }

    [Fact]
    public void RevokeTrust_Action4a_AreasOfTheManufacturerGoToo()
    {
        TestTpm tpm = UsedTpm.Create();
        PermanentState permanent = tpm.State.Permanent;
        permanent = permanent with { Flags = permanent.Flags with { EnableRevokeEK = true }, Data = permanent.Data with { EKReset = new Secret(new byte[20]) } };
        tpm.State = tpm.State with { Permanent = permanent };
        tpm.Send(new RevokeTrust(), default);
        Assert.Equal([UsedTpm.AnybodysIndex], tpm.State.Permanent.Nv.Areas.ToArray().Select(area => area.Index));
    }
}
