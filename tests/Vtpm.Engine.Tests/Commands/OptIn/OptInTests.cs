using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.OptIn;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.OptIn;

public class OptInTests
{
    private static readonly byte[] OperatorSecret = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];

    [Fact]
    public void SetOwnerInstall_Action2_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new SetOwnerInstall(), default));

    [Fact]
    public void PhysicalEnable_Action1_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new PhysicalEnable(), default));

    [Fact]
    public void PhysicalDisable_Action1_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new PhysicalDisable(), default));

    [Fact]
    public void PhysicalSetDeactivated_Action1_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new PhysicalSetDeactivated(), default));

    [Fact]
    public void SetTempDeactivated_Action2_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new SetTempDeactivated(), default));

    [Fact]
    public void SetOperatorAuth_Action1_WithoutPresence_BadPresence() =>
        Assert.Equal(TpmResult.BadPresence, new TestTpm().ResultOf(new SetOperatorAuth(), default));

    [Fact]
    public void SetOperatorAuth_Actions2And3_WithPresence_KeepsTheSecretAndTheFlag()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(OperatorSecret) });
        Assert.Equal(OperatorSecret, tpm.State.Permanent.Data.OperatorAuth!.Span.ToArray());
        Assert.True(tpm.State.Permanent.Flags.Operator);
    }

    [Fact]
    public void SetOwnerInstall_Action2_False_TakeOwnershipIsDisabled()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SetOwnerInstall(), new SetOwnerInstallRequest { State = false });
        var refused = Assert.Throws<TpmErrorException>(() => tpm.TakeOwnership());
        Assert.Equal(TpmResult.InstallDisabled, refused.Result);
        tpm.Send(new SetOwnerInstall(), new SetOwnerInstallRequest { State = true });
        tpm.TakeOwnership();
    }

    [Fact]
    public void SetOwnerInstall_Action1_WithOwner_SuccessWithoutEffect()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        PermanentState before = tpm.State.Permanent;
        tpm.Send(new SetOwnerInstall(), new SetOwnerInstallRequest { State = false });
        Assert.Same(before, tpm.State.Permanent);
    }

    [Fact]
    public void OwnerSetDisable_Action2_True_TpmIsDisabledUntilOwnerEnablesIt()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.Send(new OwnerSetDisable(), new OwnerSetDisableRequest { DisableState = true }, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.Disabled, tpm.ResultOf(new PcrRead(), default));
        tpm.Send(new OwnerSetDisable(), new OwnerSetDisableRequest { DisableState = false }, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
    }

    [Fact]
    public void OwnerSetDisable_Action1_WrongSecret_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(
            TpmResult.AuthFail,
            tpm.ResultOf(new OwnerSetDisable(), new OwnerSetDisableRequest { DisableState = true }, tpm.Oiap(TestTpm.WellKnown)));
        Assert.False(tpm.State.Permanent.Flags.Disable);
    }

    [Fact]
    public void PhysicalDisableAndPhysicalEnable_Action2_OneAfterTheOther_DisablesAndEnables()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new PhysicalDisable(), default);
        Assert.Equal(TpmResult.Disabled, tpm.ResultOf(new PcrRead(), default));
        Assert.Equal(TpmResult.Disabled, tpm.ResultOf(new PhysicalSetDeactivated(), default));
        tpm.Send(new PhysicalEnable(), default);
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
    }

    [Fact]
    public void PhysicalSetDeactivated_Action2_True_TakesEffectWithNextBoot()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new PhysicalSetDeactivated(), new PhysicalSetDeactivatedRequest { State = true });
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new PcrRead(), default));
        tpm.AssertPresence();
        tpm.Send(new PhysicalSetDeactivated(), new PhysicalSetDeactivatedRequest { State = false });
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new PcrRead(), default));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
    }

    [Fact]
    public void SetTempDeactivated_Actions2And3_Presence_DeactivatedUntilNextBoot()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SetTempDeactivated(), default);
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new PcrRead(), default));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
    }

    [Fact]
    public void SetTempDeactivated_Action1a_OperatorNotSet_NoOperator()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.NoOperator, tpm.ResultOf(new SetTempDeactivated(), default, tpm.Oiap(OperatorSecret)));
    }

    [Fact]
    public void SetTempDeactivated_Action1b_OperatorSecret_Deactivates()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(OperatorSecret) });
        Assert.True(tpm.State.Permanent.Flags.Operator);
        tpm.PowerCycle();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new SetTempDeactivated(), default, tpm.Oiap(TestTpm.WellKnown)));
        tpm.Send(new SetTempDeactivated(), default, tpm.Oiap(OperatorSecret));
        Assert.True(tpm.State.StClearFlags.Deactivated);
    }

    [Fact]
    public void SetTempDeactivated_SessionBoundToOwner_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(OperatorSecret) });
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new SetTempDeactivated(), default, osap));
    }

    [Fact]
    public void ReadPubek_WhileDeactivated_Deactivated()
    {
        var tpm = new TestTpm();
        tpm.CreateEndorsementKeyPair();
        tpm.AssertPresence();
        tpm.Send(new SetTempDeactivated(), default);
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new ReadPubek(), default));
    }
}
