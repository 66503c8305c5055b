using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage.Tests;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// A save, or a command of the hardware TPM, fails in the middle of a replacement or a count, and everything goes on. What the next start needs is
/// there.
/// </summary>
public sealed class RollbackFaultTests : IDisposable
{
    private const ulong Sequence = 1UL << 40;

    private readonly RollbackRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Mask_WhoseSaveEndedInAnAnswerThatIsNotTheTpms_IsNotTakenForTheImages()
    {
        _rig.Save(1);
        // Not a refusal, which ends a save, but what ends a command: an exception.
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.Seal ? RollbackRig.Answer(TpmResult.Success) : null;
        Assert.NotEqual(TpmResult.Success, Rotate());
        _rig.Intercept = null;
        Assert.Equal(TpmResult.Success, NewVtpm());
        // Revokes, and so ends what is left of old masks.
        Assert.Equal(TpmResult.Success, _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupRotate, 0, 0, 0, 0));
        _rig.Restart();
        Assert.Equal(1, _rig.Load());
        Assert.Equal(TpmResult.Success, Rotate());
        _rig.Restart();
        Assert.Equal(1, _rig.Load());
    }

    [Fact]
    public void Mask_ThatOneRootOfTwoHasComeToBeUnder_IsNotWrittenOver()
    {
        _rig.Save(1);
        TpmDigest present = _rig.PresentPlatform();
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.NvWriteValueAuth ? RollbackRig.Answer(TpmResult.AreaLocked) : null;
        Assert.Equal(TpmResult.Success, _rig.Approve(Sequence, present, TpmDigest.Of("another platform"u8)));
        _rig.Intercept = null;

        // The start replaces the mask: a save, of four operations after the one that opening takes, and a second one, which fails.
        byte[] disk = _rig.Copy();
        var store = new RecordingStore(_rig.Rig.Image);
        _rig.Rig.Manager.Dispose();
        store.FailAt = 5;
        _rig.StartWith(disk, options => options with { Image = store });

        // Another mask is written, and the image does not come under it.
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.Seal ? RollbackRig.Answer(TpmResult.Fail) : null;
        Assert.NotEqual(TpmResult.Success, Rotate());
        _rig.Intercept = null;
        _rig.Restart();
        Assert.Equal(1, _rig.Load());
        Assert.Contains("cannot be replaced now", _rig.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Count_WhoseAnswerWasLostAndThatCannotBeRead_IsNotDoneTwice()
    {
        _rig.Save(1);
        uint before = _rig.Counter;
        _rig.Intercept = ordinal =>
        {
            if (ordinal != TpmOrdinal.IncrementCounter) return null;
            Increment();
            throw new TpmTransportException(TpmTransportFault.Closed, "the link ended");
        };
        _rig.SaveLater(2);
        Assert.Equal(before + 1, _rig.Counter);
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.ReadCounter ? RollbackRig.Answer(TpmResult.DefendLockRunning) : null;
        _rig.SaveLater(3);
        Assert.Equal(before + 1, _rig.Counter);
        _rig.Intercept = null;
        _rig.SaveLater(4);
        Assert.DoesNotContain("second manager", _rig.Log, StringComparison.Ordinal);
        Assert.Contains("counts again", _rig.Log, StringComparison.Ordinal);
        _rig.Restart();
        Assert.Equal(4, _rig.Load());
    }

    [Fact]
    public void Save_ThatIsDurable_IsAcknowledgedThoughTheHardwareHasBecomeAnother()
    {
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? throw new TpmTransportException(TpmTransportFault.Closed, "the link ended") : null;
        _rig.SaveLater(1);
        // What a TPM 2.0 answers to the first command on the new link.
        _rig.Intercept = _ => RollbackRig.Answer(TpmResult.BadTag);
        _rig.SaveLater(2);   // throws when it is refused: its vTPM would go on with the state before, and a restart with this one
        _rig.Intercept = null;
        _rig.Restart();
        Assert.Equal(2, _rig.Load());
    }

    [Fact]
    public void Round_OwedToARevocation_IsNotForgottenOverASaveThatFails()
    {
        var store = new RecordingStore(_rig.Rig.Image);
        _rig.Restart(options => options with { Image = store });
        _rig.SaveLater(1);
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.BadCounter) : null;
        _rig.SaveLater(2);
        Assert.Equal(TpmResult.Success, _rig.DeleteVtpm());
        _rig.Intercept = null;
        _rig.Time.Advance(TimeSpan.FromSeconds(11));
        _rig.Save(3);   // the hardware counts up to what the image carried; a round after the revocation is still owed
        uint before = _rig.Counter;
        store.Restart();
        store.FailAt = 0;
        Assert.Throws<VtpmManagerException>(() => _rig.Save(4));
        store.Restart();
        _rig.Save(5);
        Assert.Equal(before + 1, _rig.Counter);
    }

    [Fact]
    public void CopyOfBeforeItWasProtected_WhileTheTpmIsBusy_IsRefusedAllTheSame()
    {
        using var rig = new RollbackRig(options => options with { RollbackProtection = RollbackProtection.Off });
        rig.Save(1);
        byte[] before = rig.Copy();
        rig.Restart();
        rig.Intercept = ordinal => ordinal == TpmOrdinal.NvReadValueAuth ? RollbackRig.Answer(TpmResult.DefendLockRunning) : null;
        Assert.Contains("does not say whether it knows the image", rig.Refusal(before), StringComparison.Ordinal);
    }

    [Fact]
    public void Interval_IsOfTimeThatPasses_AndNotOfTheTimeOfDay()
    {
        _rig.SaveLater(1);
        uint before = _rig.Counter;
        _rig.Time.TurnBack(TimeSpan.FromHours(3));
        _rig.SaveLater(2);
        Assert.Equal(before + 1, _rig.Counter);
    }

    /// <summary>
    /// Each command by which the image comes to be protected is refused once, or ends the link. The first list of group 0 is there after a restart
    /// if that was the answer, and else it is not.
    /// </summary>
    [Theory]
    [InlineData(RollbackProtection.Required, false)]
    [InlineData(RollbackProtection.Required, true)]
    [InlineData(RollbackProtection.WhenPossible, false)]
    [InlineData(RollbackProtection.WhenPossible, true)]
    public void FirstGroupUpdate_WhateverTheHardwareDoes_IsAnsweredTruly(RollbackProtection protection, bool endsTheLink)
    {
        int notSaved = 0, durable = 0, failing = 0;
        for (bool failed = true; failed; failing++)
        {
            failed = false;
            int commands = 0;
            using var rig = new RollbackRig(options => options with { RollbackProtection = protection }, provision: false);
            rig.Rig.GiveAuthority();
            TpmDigest present = rig.PresentPlatform();
            rig.Intercept = _ =>
            {
                if (commands++ != failing) return null;
                failed = true;
                return endsTheLink ? throw new TpmTransportException(TpmTransportFault.Closed, "the link ended") : RollbackRig.Answer(TpmResult.Fail);
            };
            TpmResult result = rig.Approve(Sequence, present);
            rig.Intercept = null;
            rig.Restart();
            Assert.True(rig.Rig.Manager.IsProvisioned == (result == TpmResult.Success), $"command {failing} failed, the answer was {result}:\n{rig.Log}");
            if (result == TpmResult.Success) durable++;
            else notSaved++;
        }

        Assert.True(durable > 5, $"{durable} of {failing}");
        Assert.True(notSaved > 0 || endsTheLink, $"{notSaved} of {failing}");
    }

    private TpmResult Rotate() => _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.ManagerRotate);

    private TpmResult NewVtpm() => _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.VtpmNew, 0, 0, 0, 0);

    private void Increment()
    {
        using var tpm = new TpmClient(_rig.ConnectToHardware());
        using var secret = new TpmSecret(_rig.Image.CounterAuth.ReadOnlySpan);
        using TpmSession session = tpm.Oiap(secret);
        tpm.IncrementCounter(_rig.Image.CounterIndex, session);
    }
}
