using System.Buffers.Binary;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>When a vTPM starts, when it refuses, and what it does when its manager is gone. The manager's side is scripted; the rest is real.</summary>
public sealed class VirtualTpmTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vtpm-test").FullName;
    private readonly ScriptedManager _manager = new();
    private readonly List<string> _log = [];

    private string Image => Path.Combine(_folder, "image");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Start_UnknownToTheManager_ManufacturesLoudlyAndKeepsIt()
    {
        using (Start()) Assert.Contains(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal));
        Assert.Equal(VtpmImage.HashKeySize, _manager.HashKey!.Length);
        string ek = StartedEndorsementKey();
        _log.Clear();
        Assert.Equal(ek, StartedEndorsementKey());
        Assert.DoesNotContain(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal));
    }

    [Fact]
    public void Start_BlankImageOfAKnownVtpm_ManufacturesLoudly()
    {
        string before = StartedEndorsementKey();
        File.WriteAllBytes(Image, new byte[VtpmImage.DefaultLength]);
        Assert.NotEqual(before, StartedEndorsementKey());
        Assert.Contains(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal) && line.Contains("blank", StringComparison.Ordinal));
    }

    [Fact]
    public void Start_ImageThatMatchesInNeitherSlot_RefusesAndChangesNothing()
    {
        Start().Dispose();
        byte[] other = [.. _manager.HashKey!];
        other[3] ^= 1;
        _manager.HashKey = other;
        byte[] image = File.ReadAllBytes(Image);
        string message = Assert.Throws<VtpmStartException>(() => Start()).Message;
        Assert.Contains("--manufacture", message, StringComparison.Ordinal);
        Assert.Equal(image, File.ReadAllBytes(Image));
        Assert.Equal(other, _manager.HashKey);
    }

    [Fact]
    public void Start_ImageOfAKnownVtpmIsMissing_RefusesAndMakesNone()
    {
        string before = StartedEndorsementKey();
        byte[] kept = _manager.HashKey!;
        File.Move(Image, Image + ".away");
        Assert.Contains("does not exist", Assert.Throws<VtpmStartException>(() => Start()).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Image));
        Assert.Equal(kept, _manager.HashKey);
        File.Move(Image + ".away", Image);
        Assert.Equal(before, StartedEndorsementKey());
    }

    [Fact]
    public void Start_ManagerIsDownAndNoImage_MakesNone()
    {
        _manager.IsDown = true;
        Assert.Throws<VtpmStartException>(() => Start());
        Assert.False(File.Exists(Image));
    }

    [Fact]
    public void Start_ManagerRefuses_Refuses()
    {
        Start().Dispose();
        _manager.Refusal = TpmResult.Disabled;
        Assert.Contains("approved", Assert.Throws<VtpmStartException>(() => Start()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Guest_WhoseStateCannotBeSaved_IsToldEachTimeAndTheLogOnce()
    {
        using VirtualTpm vtpm = Start();
        for (int i = 1; i <= 2; i++)
        {
            _manager.IsDown = true;
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
            // From now on it is known that the manager has to be asked first, which is another line.
            for (int j = 0; j < 50; j++) Assert.Equal(TpmResult.Retry, SaveState(vtpm));
            _manager.IsDown = false;
            for (int j = 0; j < 50; j++) Assert.Equal(TpmResult.Success, SaveState(vtpm));
            Assert.Equal(i, _log.Count(line => line.Contains("cannot be saved", StringComparison.Ordinal)));
            Assert.Equal(i, _log.Count(line => line.Contains("is saved again", StringComparison.Ordinal)));
        }

        Assert.InRange(_log.Count, 1, 100);
    }

    [Fact]
    public void Guest_WhoAsksTheManagerInVain_FillsNoLog()
    {
        using VirtualTpm vtpm = Start();
        _manager.IsDown = true;
        for (int i = 0; i < 200; i++) Assert.Equal(TpmResult.Retry, Execute(vtpm, Convert.FromHexString("01c10000000e0000004600000001")));

        Assert.InRange(_log.Count(line => line.Contains("a guest's request for the manager", StringComparison.Ordinal)), 1, 100);
    }

    [Fact]
    public void Start_ManagerIsDown_Refuses()
    {
        _manager.IsDown = true;
        Assert.Contains("not to be reached", Assert.Throws<VtpmStartException>(() => Start()).Message, StringComparison.Ordinal);
        Assert.Null(_manager.HashKey);
    }

    [Fact]
    public void Start_ToldToManufacture_GivesUpWhatWasThere()
    {
        string before = StartedEndorsementKey();
        using VirtualTpm vtpm = Start(ManufacturePolicy.Always);
        Assert.NotEqual(before, EndorsementKey(vtpm));
    }

    [Fact]
    public void Start_HwInitPcr_CopiesTheHardwaresRegisters()
    {
        using VirtualTpm vtpm = Start(arguments: ["hwinitpcr=3-4"]);
        Assert.Equal(new TpmDigest([.. Enumerable.Repeat((byte)3, 20)]), vtpm.Engine.State.Pcrs[3]);
        Assert.Equal(new TpmDigest([.. Enumerable.Repeat((byte)4, 20)]), vtpm.Engine.State.Pcrs[4]);
        Assert.Equal(default, vtpm.Engine.State.Pcrs[5]);
    }

    /// <summary>The hardware's values would undo what the guest measured before it slept.</summary>
    [Fact]
    public void Start_HwInitPcrWithSave_KeepsTheSavedRegisters()
    {
        TpmDigest measured;
        using (VirtualTpm vtpm = Start())
        {
            Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c1000000220000001400000003" + new string('a', 40))));
            measured = vtpm.Engine.State.Pcrs[3];
            Assert.Equal(TpmResult.Success, SaveState(vtpm));
        }

        using VirtualTpm again = Start(arguments: ["save", "hwinitpcr=3"]);
        Assert.Equal(measured, again.Engine.State.Pcrs[3]);
        Assert.Contains(_log, line => line.Contains("hwinitpcr is for", StringComparison.Ordinal));
    }

    [Fact]
    public void Start_SecondProcessOnTheImage_IsRefused()
    {
        using VirtualTpm vtpm = Start();
        Assert.Throws<VtpmStartException>(() => Start());
    }

    [Fact]
    public void Save_ManagerIsDown_RetriesLaterAndTheOldStateCounts()
    {
        using VirtualTpm vtpm = Start();
        byte[] kept = _manager.HashKey!;
        _manager.IsDown = true;
        Assert.Equal(TpmResult.Retry, SaveState(vtpm));
        Assert.Null(vtpm.Engine.State.Permanent.SavedState);
        Assert.Equal(kept, _manager.HashKey);
        _manager.IsDown = false;
        Assert.Equal(TpmResult.Success, SaveState(vtpm));
        Assert.NotEqual(kept, _manager.HashKey);
    }

    [Fact]
    public void Save_OneAnswerLost_IsAskedAgainAndAcknowledged()
    {
        using VirtualTpm vtpm = Start();
        _manager.LostAnswers = 1;
        Assert.Equal(TpmResult.Success, SaveState(vtpm));
        Assert.NotNull(vtpm.Engine.State.Permanent.SavedState);
    }

    [Fact]
    public void Save_AllAnswersLost_IsResolvedBeforeTheNextSave()
    {
        using (VirtualTpm vtpm = Start())
        {
            _manager.LostAnswers = 2;
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
            Assert.Equal(TpmResult.Success, SaveState(vtpm));
        }

        // What the manager points at is what was acknowledged last.
        using VirtualTpm again = Start(arguments: ["save"]);
        Assert.False(again.Engine.State.Failed);
    }

    [Fact]
    public void Save_ManagerRefuses_FailsAndTheOldStateCounts()
    {
        using (VirtualTpm vtpm = Start())
        {
            _manager.Refusal = TpmResult.Fail;
            Assert.Equal(TpmResult.Fail, SaveState(vtpm));
            Assert.Null(vtpm.Engine.State.Permanent.SavedState);
            _manager.Refusal = TpmResult.Success;
        }

        Start().Dispose();
    }

    [Fact]
    public void Save_KeptAndThenRefused_DoesNotWriteOverTheSlotThatCounts()
    {
        using (VirtualTpm vtpm = Start())
        {
            (_manager.LostAnswers, _manager.RefusalAfterLoss) = (1, TpmResult.IOError);
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
            _manager.IsDown = true;
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
        }

        (_manager.IsDown, _manager.Refusal) = (false, TpmResult.Success);
        _log.Clear();
        Start().Dispose();
        Assert.DoesNotContain(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal));
    }

    [Fact]
    public void Save_ManagerIsInDoubt_WritesOverNeitherSlotUntilItKnows()
    {
        using (VirtualTpm vtpm = Start())
        {
            _manager.DoubtfulSaves = 1;
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
            _manager.Refusal = TpmResult.Retry;
            Assert.Equal(TpmResult.Retry, SaveState(vtpm));
        }

        // The manager was restarted, and found that it had kept it.
        _manager.Refusal = TpmResult.Success;
        Start().Dispose();
    }

    [Fact]
    public void Command_NothingThatLasts_NeedsNoManager()
    {
        using VirtualTpm vtpm = Start();
        _manager.IsDown = true;
        Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c1000000220000001400000004" + new string('a', 40))));
    }

    [Fact]
    public void Start_MaintenanceCommands_AreThereOnlyWhereTheyWereAskedFor()
    {
        byte[] readManuMaintPub = Convert.FromHexString("00c10000001e00000030" + new string('0', 40));
        using (VirtualTpm vtpm = Start()) Assert.Equal(TpmResult.BadOrdinal, Execute(vtpm, readManuMaintPub));
        using (VirtualTpm vtpm = Start(arguments: ["maintcmds=1"]))
        {
            Assert.Equal(TpmResult.Success, Execute(vtpm, readManuMaintPub));
            // Who owned it when there was no maintenance is not taken by surprise.
            Assert.False(vtpm.Engine.State.Permanent.Flags.AllowMaintenance);
        }

        using (VirtualTpm vtpm = Start(ManufacturePolicy.Always, ["maintcmds=1"])) Assert.True(vtpm.Engine.State.Permanent.Flags.AllowMaintenance);
        using (VirtualTpm vtpm = Start()) Assert.Equal(TpmResult.BadOrdinal, Execute(vtpm, readManuMaintPub));
    }

    private static TpmResult SaveState(VirtualTpm vtpm) => Execute(vtpm, Convert.FromHexString("00c10000000a00000098"));

    private static TpmResult Execute(VirtualTpm vtpm, byte[] request)
    {
        byte[] response = new byte[4096];
        vtpm.Execute(request, locality: 0, response);
        return (TpmResult)BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6));
    }

    private static string EndorsementKey(VirtualTpm vtpm) => Convert.ToHexString(vtpm.Engine.State.Permanent.Data.EndorsementKey!.Key.PubKey.Key.Span);

    private string StartedEndorsementKey()
    {
        using VirtualTpm vtpm = Start();
        return EndorsementKey(vtpm);
    }

    private VirtualTpm Start(ManufacturePolicy policy = ManufacturePolicy.WhenBlank, string[]? arguments = null) =>
        VirtualTpm.Start(new VtpmOptions(Image, policy, WithEndorsementKey: true), VtpmArguments.Parse(arguments ?? []), _manager.Link, new SeededRandom(_log.Count), _rsa, _log.Add);

    // One list of keys for all starts of a test, so that a TPM made anew has another endorsement key.
    private readonly FixedRsa _rsa = new();
}
