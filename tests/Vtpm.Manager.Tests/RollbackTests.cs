using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Engine;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Which copies of the image pass for the newest, and which are refused.</summary>
public sealed class RollbackTests : IDisposable
{
    private readonly RollbackRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Provisioned_IsProtectedFromItsFirstMoment(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        Assert.Contains(rig.Log, line => line.Contains("older copies of the image are refused", StringComparison.Ordinal));
        using (VtpmManagerClient vtpm = rig.Vtpm(RollbackRig.Vtpm)) vtpm.SaveHashKey(new byte[52]);
        byte[] old = [.. rig.Image];
        rig.Hardware.PowerCycle();
        rig.Restart();
        using (VtpmManagerClient vtpm = rig.Vtpm(RollbackRig.Vtpm)) Assert.Equal(52, vtpm.LoadHashKey(new byte[64]));
        byte[] newest = [.. rig.Image];
        rig.Manager.Dispose();

        old.CopyTo(rig.Image, 0);
        string refusal = Assert.Throws<ManagerException>(() => rig.Restart()).Message;
        Assert.Contains("an older image was put back", refusal, StringComparison.Ordinal);
        Assert.Equal(old, rig.Image);
        newest.CopyTo(rig.Image, 0);
        rig.Restart();
    }

    [Fact]
    public void Copy_OfBeforeTheLastStart_IsRefused()
    {
        _rig.Save(1);
        byte[] running = _rig.Copy();
        _rig.Restart();
        byte[] newest = _rig.Copy();
        Assert.Contains("an older image was put back: the hardware counter stands at", _rig.Refusal(running), StringComparison.Ordinal);
        _rig.StartWith(newest);
        Assert.Equal(1, _rig.Load());
    }

    [Fact]
    public void Copy_SinceTheCounterCountedLast_PassesAndOneOfBeforeDoesNot()
    {
        _rig.Save(1);
        byte[] first = _rig.Copy();
        _rig.Save(2);
        uint before = _rig.Counter;
        _rig.SaveLater(3);
        Assert.Equal(before + 1, _rig.Counter);
        byte[] third = _rig.Copy();
        _rig.Save(4);
        Assert.Equal(before + 1, _rig.Counter);   // the interval is not over
        byte[] fourth = _rig.Copy();
        _rig.Refusal(first);
        // The window: nothing tells these two apart.
        _rig.StartWith(third);
        Assert.Equal(3, _rig.Load());
        _rig.Refusal(fourth);
    }

    [Fact]
    public void Saves_WithinTheInterval_CostNoCommandOfTheHardware()
    {
        _rig.SaveLater(1);
        int commands = 0;
        _rig.Intercept = _ =>
        {
            commands++;
            return null;
        };
        for (byte i = 0; i < 20; i++) _rig.Save(i);
        Assert.Equal(0, commands);
        _rig.SaveLater(21);
        Assert.InRange(commands, 1, 2);   // OIAP and the increment
    }

    [Fact]
    public void Stop_PutsEverySaveBeforeItIntoThePast()
    {
        _rig.Save(1);
        byte[] running = _rig.Copy();
        _rig.Rig.Manager.Stop();
        Assert.Equal(_rig.Image.CounterValue, _rig.Counter);
        uint counter = _rig.Counter;
        _rig.Rig.Manager.Stop();
        Assert.Equal(counter, _rig.Counter);   // nothing was saved since
        byte[] stopped = _rig.Copy();
        _rig.Refusal(running);
        _rig.StartWith(stopped);
    }

    [Fact]
    public void Killed_BetweenImageAndCounter_GoesOn()
    {
        _rig.Save(1);
        uint before = _rig.Counter;
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.Retry) : null;
        _rig.SaveLater(2);
        Assert.Equal((before, before + 1), (_rig.Counter, _rig.Image.CounterValue));
        _rig.Intercept = null;
        byte[] between = _rig.Copy();
        _rig.Restart();
        Assert.Equal(2, _rig.Load());
        Assert.Equal(before + 2, _rig.Counter);
        _rig.Refusal(between);
    }

    [Fact]
    public void Fork_FromBothSidesOfACount_IsRefusedOnOne()
    {
        _rig.Save(1);
        byte[] older = _rig.Copy();
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.Retry) : null;
        _rig.SaveLater(2);
        byte[] newer = _rig.Copy();   // carries one more, and the hardware has not counted: both are honest
        _rig.Intercept = null;
        _rig.StartWith(older);
        Assert.Equal(1, _rig.Load());
        _rig.Refusal(newer);   // for a start counts twice
    }

    [Fact]
    public void Revocation_IsInForceWhenItIsAcknowledged()
    {
        _rig.Save(1);
        byte[] before = _rig.Copy();
        Assert.Equal(TpmResult.Success, _rig.DeleteVtpm());
        Assert.DoesNotContain("not excluded yet", _rig.Log, StringComparison.Ordinal);
        byte[] after = _rig.Copy();
        _rig.Refusal(before);
        _rig.StartWith(after);
        Assert.Null(_rig.Image.FindVtpm(RollbackRig.Vtpm));
    }

    [Fact]
    public void Revocation_WhileTheCounterDoesNotCount_SaysSoAndIsInForceWhenItDoes()
    {
        _rig.Save(1);
        byte[] before = _rig.Copy();
        int others = 0;
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter && others++ >= 0 ? RollbackRig.Answer(TpmResult.BadCounter) : null;
        _rig.SaveLater(2);   // the image is ahead of the counter already
        byte[] ahead = _rig.Copy();
        Assert.Equal(TpmResult.Success, _rig.DeleteVtpm());
        Assert.Contains("the state before is not excluded yet", _rig.Log, StringComparison.Ordinal);
        _rig.Intercept = null;
        byte[] deleted = _rig.Copy();
        _rig.Time.Advance(TimeSpan.FromSeconds(10));
        _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.VtpmNew, 0, 0, 0, 0);
        Assert.Contains("counts again", _rig.Log, StringComparison.Ordinal);
        _rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.VtpmNew, 0, 0, 0, 0);
        byte[] newest = _rig.Copy();
        foreach (byte[] old in (byte[][])[before, ahead, deleted]) _rig.Refusal(old);
        _rig.StartWith(newest);
    }

    [Fact]
    public void Counter_GoneFromTheHardware_IsRefusedAndMayBeAccepted()
    {
        _rig.Save(1);
        byte[] disk = _rig.Copy();
        _rig.Tpm.State =
            _rig.Tpm.State with { Permanent = _rig.Tpm.State.Permanent with { Counters = _rig.Tpm.State.Permanent.Counters.ReleaseAll() } };
        string refusal = _rig.Refusal(disk);
        Assert.Contains("its counter is not in this hardware TPM", refusal, StringComparison.Ordinal);
        string name = Named(refusal);
        Assert.EndsWith("@none", name, StringComparison.Ordinal);
        _rig.StartWith(disk, options => options with { AcceptRestored = name });
        Assert.Equal(1, _rig.Load());
        byte[] accepted = _rig.Copy();
        // The name was for a TPM without a counter of this image, and is used up.
        foreach (string? left in (string?[])[null, name])
            Assert.Contains("its counter is not in this hardware TPM", _rig.Refusal(disk, options => options with { AcceptRestored = left }), StringComparison.Ordinal);
        _rig.StartWith(accepted);
    }

    [Fact]
    public void Mask_GoneFromTheHardware_IsRefusedForGood()
    {
        _rig.Save(1);
        byte[] disk = _rig.Copy();
        PermanentState permanent = _rig.Tpm.State.Permanent;
        _rig.Tpm.State = _rig.Tpm.State with { Permanent = permanent with { Nv = permanent.Nv.Without(_rig.Image.NvramSlot) } };
        string refusal = _rig.Refusal(disk, options => options with { AcceptRestored = "1@1" });
        Assert.Contains("the mask of the image's key cannot be had", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("--accept-restored", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Owner_ClearedFromTheHardware_IsRefused()
    {
        _rig.Save(1);
        byte[] disk = _rig.Copy();
        using (var tpm = new TpmClient(_rig.ConnectToHardware()))
        using (TpmSecret owner = TpmSecret.WellKnown())
        using (TpmSession session = tpm.Oiap(owner)) tpm.OwnerClear(session);
        _rig.Tpm.State = _rig.Tpm.State with { Permanent = _rig.Tpm.State.Permanent with { Flags = _rig.Tpm.State.Permanent.Flags with { Disable = false, Deactivated = false, Ownership = true } } };
        Assert.Contains("does not open", _rig.Refusal(disk), StringComparison.Ordinal);
    }

    [Fact]
    public void Counter_SomebodyElsesInThisBoot_IsSaidOnceAndTheVtpmsGoOn()
    {
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.BadCounter) : null;
        _rig.Restart();
        for (byte i = 1; i < 5; i++) _rig.SaveLater(i);
        Assert.Equal(4, _rig.Load());
        Assert.Single(_rig.Rig.Log, line => line.StartsWith("ERROR", StringComparison.Ordinal) && line.Contains("does not count now", StringComparison.Ordinal));
        byte[] unproven = _rig.Copy();
        Assert.Contains("is required", Assert.Throws<ManagerException>(() => _rig.Restart(Required)).Message, StringComparison.Ordinal);

        _rig.Intercept = null;
        _rig.Restart(Required);
        Assert.Equal(4, _rig.Load());
        _rig.Refusal(unproven);
    }

    [Fact]
    public void Counter_ThatIsReadFalselyByWhoeverIsBetween_IsNoticedWhenItCounts()
    {
        byte[] old = _rig.Copy();
        byte[]? answered = null;
        using (var tpm = new TpmClient(ScriptedConnection.Around(_rig.ConnectToHardware(), (request, send) => answered = send(request)))) tpm.ReadCounter(_rig.Image.CounterIndex);
        _rig.SaveLater(1);
        byte[] newest = _rig.Copy();
        _rig.Refusal(old);
        _rig.Intercept = ordinal => ordinal == TpmOrdinal.ReadCounter ? answered : null;
        Assert.Contains("not what it was read to be", Assert.Throws<ManagerException>(() => _rig.StartWith(old)).Message, StringComparison.Ordinal);
        _rig.Intercept = null;
        _rig.Refusal(_rig.Copy());
        Assert.Throws<ManagerException>(() => _rig.StartWith(newest));   // the two have counted against each other: whoever falsified it has cost that
    }

    [Fact]
    public void SecondManager_OnACopy_IsSaidAndTheOneThatServesOpensAgain()
    {
        _rig.Save(1);
        using var other = new ManagerRig(_rig.Rig.Hardware, _rig.Copy(), provision: false);
        _rig.SaveLater(2);
        Assert.Contains("Is there a second manager", _rig.Log, StringComparison.Ordinal);
        other.Manager.Dispose();
        _rig.Restart();
        Assert.Equal(2, _rig.Load());
        byte[] second = [.. other.Image];
        _rig.Refusal(second);
    }

    [Fact]
    public void NewestRoot_Damaged_LeavesAnOlderOneThatIsCheckedToo()
    {
        _rig.SaveLater(1);
        byte[] disk = _rig.Copy();
        // Whichever is the newest: the other one is of before the count.
        byte[][] damaged = [.. new[] { 2, 3 }.Select(root =>
        {
            byte[] copy = [.. disk];
            copy[(root * 4096) + 1000] ^= 1;
            return copy;
        })];
        int opened = 0;
        foreach (byte[] copy in damaged)
        {
            byte[] before = [.. copy];
            TpmState tpm = _rig.Tpm.State;
            try
            {
                _rig.StartWith(copy);
                Assert.Equal(1, _rig.Load());
                opened++;
            }
            catch (ManagerException e)
            {
                Assert.Contains("an older image was put back", e.Message, StringComparison.Ordinal);
                Assert.Equal(before, _rig.Rig.Image);
            }

            _rig.Tpm.State = tpm;
        }

        Assert.Equal(1, opened);
    }

    private static ManagerOptions Required(ManagerOptions options) => options with { RollbackProtection = RollbackProtection.Required };

    private static string Named(string refusal) => refusal[(refusal.LastIndexOf(' ') + 1)..];
}
