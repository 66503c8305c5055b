using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Management;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Management;

/// <summary>TPM_ResetLockValue, and the defence against guessing that it ends.</summary>
public class ResetLockValueTests
{
    private static readonly byte[] Guess = [.. Enumerable.Repeat((byte)9, 20)];

    [Fact]
    public void DictionaryAttack_BelowThreshold_EveryGuessIsLookedAt()
    {
        TestTpm tpm = Owned();
        for (int i = 1; i < DictionaryAttack.Threshold; i++) Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
        Assert.Equal(TpmResult.Success, Try(tpm, TestTpm.OwnerAuth));
    }

    [Fact]
    public void DictionaryAttack_AtThreshold_LockedForAllEntities()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        Assert.Equal(TpmResult.DefendLockRunning, Try(tpm, TestTpm.OwnerAuth));
        TestAuth osap = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var seal = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, Guess), InData = new byte[1] };
        Assert.Equal(TpmResult.DefendLockRunning, tpm.ResultOf(new Seal(), seal, osap));
    }

    [Fact]
    public void DictionaryAttack_LockedOut_AnswerIsNotFatalToTheSession()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        TestAuth auth = tpm.Oiap(TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.DefendLockRunning, tpm.ResultOf(new DisableOwnerClear(), default, auth));
        tpm.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new DisableOwnerClear(), default, auth));
    }

    [Fact]
    public void DictionaryAttack_EachFailureBeyondThreshold_DoublesTheLockout()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        for (int seconds = 5; seconds <= 40; seconds *= 2)
        {
            tpm.Time.Advance(TimeSpan.FromSeconds(seconds - 1));
            Assert.Equal(TpmResult.DefendLockRunning, Try(tpm, TestTpm.OwnerAuth));
            tpm.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
        }
    }

    [Fact]
    public void DictionaryAttack_ManyFailures_LockoutIsNeverLongerThanADay()
    {
        DictionaryAttack attack = DictionaryAttack.None with { FailedAuthorizations = uint.MaxValue };
        Assert.Equal(TimeSpan.FromHours(24), attack.At(DateTimeOffset.UnixEpoch, TimeSpan.Zero).LockoutLeft);
        Assert.Equal(uint.MaxValue, DictionaryAttack.AfterFailure(uint.MaxValue, DateTimeOffset.UnixEpoch, atReset: false).FailedAuthorizations);
    }

    [Fact]
    public void DictionaryAttack_PowerCycle_LockoutStartsOver()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        tpm.Time.Advance(TimeSpan.FromSeconds(4));
        tpm.PowerCycle();
        tpm.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(TpmResult.DefendLockRunning, Try(tpm, TestTpm.OwnerAuth));
        tpm.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TpmResult.Success, Try(tpm, TestTpm.OwnerAuth));
    }

    [Fact]
    public void DictionaryAttack_OneSlipADayForAYear_NeverLocks()
    {
        TestTpm tpm = Owned();
        for (int day = 0; day < 365; day++)
        {
            Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
            tpm.PowerCycle(startup: null);
            tpm.Time.Advance(TimeSpan.FromDays(1));
            tpm.Startup();
            Assert.Equal(TpmResult.Success, Try(tpm, TestTpm.OwnerAuth));
        }
    }

    [Fact]
    public void DictionaryAttack_AfterLockout_ForgivesOneFailureInTwoHours()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        tpm.Time.Advance(TimeSpan.FromSeconds(5) + DictionaryAttack.Forgiveness);
        Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
        Assert.Equal((uint)DictionaryAttack.Threshold, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void DictionaryAttack_WhileALongLockoutRuns_NothingIsForgiven()
    {
        DictionaryAttack attack = DictionaryAttack.AfterFailure(40, DateTimeOffset.UnixEpoch, atReset: true);
        DictionaryAttackStatus status = attack.At(DateTimeOffset.UnixEpoch.AddHours(23), TimeSpan.FromHours(23));
        Assert.Equal(new DictionaryAttackStatus(41, TimeSpan.FromHours(1), true), status);
    }

    [Fact]
    public void DictionaryAttack_DateSetBack_NothingIsForgivenAndNothingBreaks()
    {
        DictionaryAttack attack = DictionaryAttack.AfterFailure(20, DateTimeOffset.UnixEpoch.AddYears(50), atReset: false);
        DictionaryAttackStatus status = attack.At(DateTimeOffset.UnixEpoch, TimeSpan.FromDays(2));
        Assert.Equal(new DictionaryAttackStatus(21, TimeSpan.Zero, false), status);
    }

    [Fact]
    public void DictionaryAttack_SessionOfAnotherEntity_IsNoGuess()
    {
        TestTpm tpm = Owned();
        TestAuth ofSrk = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DisableOwnerClear(), default, ofSrk));
        Assert.Equal(DictionaryAttack.None, tpm.State.Permanent.DictionaryAttack);
    }

    [Fact]
    public void DictionaryAttack_LockedOut_PhysicalPresenceStillClears()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        tpm.AssertPresence();
        tpm.Send(new ForceClear(), default);
        Assert.Null(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void DictionaryAttack_LockedOut_RevokeTrustWantsPresenceBeforeItCompares()
    {
        var tpm = new TestTpm();
        var create = new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms, GenerateReset = true };
        TpmNonce reset = tpm.Send(new CreateRevocableEK(), create).OutputEKReset;
        tpm.TakeOwnership();
        LockOut(tpm);
        Assert.Equal(TpmResult.DefendLockRunning, tpm.ResultOf(new RevokeTrust(), default));
        tpm.AssertPresence();
        tpm.Send(new RevokeTrust(), new RevokeTrustRequest { EKReset = reset });
    }

    [Fact]
    public void DictionaryAttack_Info_TellsCountAndSecondsLeft()
    {
        DictionaryAttack attack = DictionaryAttack.AfterFailure(DictionaryAttack.Threshold, DateTimeOffset.UnixEpoch, atReset: false);
        DictionaryAttackStatus running = attack.At(DateTimeOffset.UnixEpoch.AddSeconds(3), TimeSpan.FromSeconds(3.5));
        Assert.Equal(
            "0037" + "01" + "0010" + "000F" + "003900000001" + "00000007" + "00000000",
            Convert.ToHexString(WireFormat.ToBytes(running.Info)));
        Assert.Equal("0038" + "01" + "003900000001" + "00000000", Convert.ToHexString(WireFormat.ToBytes(running.LimitedInfo)));
        DictionaryAttackStatus over = attack.At(DateTimeOffset.UnixEpoch.AddSeconds(10), TimeSpan.FromSeconds(10));
        Assert.Equal((TpmDaState.Inactive, (ushort)16, 0u), (over.Info.State, over.Info.CurrentCount, over.Info.ActionDependValue));
    }

    [Fact]
    public void ResetLockValue_Action3_DuringLockout_EndsItAndTheCount()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        tpm.Send(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(DictionaryAttack.None, tpm.State.Permanent.DictionaryAttack);
        Assert.Equal(TpmResult.Success, Try(tpm, TestTpm.OwnerAuth));
    }

    [Fact]
    public void ResetLockValue_Actions2aTo2c_WrongSecretDuringLockout_RefusedForTheRestOfALongerOne()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(Guess)));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Time.Advance(TimeSpan.FromSeconds(1));
        tpm.Send(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth));
    }

    [Fact]
    public void ResetLockValue_Action1_RefusedThroughAPowerCycle()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(Guess)));
        uint count = tpm.State.Permanent.DictionaryAttack.FailedAuthorizations;
        tpm.PowerCycle();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(count, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void ResetLockValue_LockoutOfALaterGuess_IsNotRefused()
    {
        TestTpm tpm = Owned();
        LockOut(tpm);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(Guess)));
        tpm.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
        Assert.Equal(TpmResult.DefendLockRunning, Try(tpm, TestTpm.OwnerAuth));
        tpm.Send(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth));
    }

    [Fact]
    public void ResetLockValue_RefusedForALockout_AGuessOnPresenceDoesNotOpenItAgain()
    {
        var tpm = new TestTpm();
        tpm.Send(new CreateRevocableEK(), new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms, GenerateReset = true });
        tpm.TakeOwnership();
        LockOut(tpm);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(Guess)));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new RevokeTrust(), default));
        uint count = tpm.State.Permanent.DictionaryAttack.FailedAuthorizations;
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(count, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void ResetLockValue_WrongSecretBelowThreshold_OnlyCounts()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ResetLockValue(), default, tpm.Oiap(Guess)));
        tpm.Send(new ResetLockValue(), default, tpm.Oiap(TestTpm.OwnerAuth));
    }

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }

    private static void LockOut(TestTpm tpm)
    {
        for (int i = 0; i < DictionaryAttack.Threshold; i++) Assert.Equal(TpmResult.AuthFail, Try(tpm, Guess));
    }

    private static TpmResult Try(TestTpm tpm, byte[] ownerAuth) => tpm.ResultOf(new DisableOwnerClear(), default, tpm.Oiap(ownerAuth));
}
