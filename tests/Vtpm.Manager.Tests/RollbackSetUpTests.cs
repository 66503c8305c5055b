using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>How an image comes to be protected, what it does without, and how a restored one is accepted.</summary>
public sealed class RollbackSetUpTests
{
    [Fact]
    public void Unprotected_GetsItAtTheNextStart_AndItsOwnOlderCopiesAreRefused()
    {
        using var rig = new RollbackRig(Off);
        rig.Save(1);
        Assert.Equal((0u, false), (rig.Image.CounterIndex, rig.Image.IsMasked));
        byte[] before = rig.Copy();
        rig.Restart();
        Assert.NotEqual(0u, rig.Image.CounterIndex);
        Assert.True(rig.Image.IsMasked);
        Assert.Equal(1, rig.Load());
        byte[] protectedDisk = rig.Copy();

        string refusal = rig.Refusal(before);
        Assert.Contains("from before it was protected", refusal, StringComparison.Ordinal);
        rig.StartWith(before, options => options with { AcceptRestored = refusal[(refusal.LastIndexOf(' ') + 1)..] });
        Assert.True(rig.Image.IsMasked);
        byte[] accepted = rig.Copy();
        Assert.Throws<ManagerException>(() => rig.StartWith(protectedDisk));
        rig.StartWith(accepted);
    }

    [Fact]
    public void Unprotected_WithZeroesForSecrets_GetsOthersBefore()
    {
        using var rig = new RollbackRig(Off);
        rig.Image.SetCounter(0, default);
        rig.Image.SetNvram(0, default);
        rig.Image.Save();
        rig.Image.Save();
        byte[] before = rig.Copy();
        rig.Restart();
        Assert.True(rig.Image.IsMasked);
        Assert.False(rig.Image.NvramAuth == default || rig.Image.CounterAuth == default);
        Assert.Contains("from before it was protected", rig.Refusal(before), StringComparison.Ordinal);
    }

    [Fact]
    public void Off_ChecksAnImageThatIsProtectedAllTheSame()
    {
        using var rig = new RollbackRig();
        byte[] old = rig.Copy();
        rig.Restart(Off);
        rig.Refusal(old, Off);
    }

    [Fact]
    public void WithoutTheOwnersSecret_RunsWithoutAndSaysSoAtEachStart_OrNotWhenRequired()
    {
        using var rig = new RollbackRig(Off);
        rig.Save(1);
        for (int start = 1; start <= 2; start++)
        {
            rig.Restart(options => options with { OwnerAuth = "text:wrong" });
            Assert.Equal(1, rig.Load());
            Assert.Equal(start, rig.Rig.Log.Count(line => line.StartsWith("WARN", StringComparison.Ordinal)
                && line.Contains("NO FULL ROLLBACK PROTECTION: no counter (owner_auth= is not this TPM's); no mask", StringComparison.Ordinal)));
        }

        byte[] disk = rig.Copy();
        Assert.Contains("which is required", Assert.Throws<ManagerException>(() => rig.StartWith(disk, options => Required(options) with { OwnerAuth = "text:wrong" })).Message, StringComparison.Ordinal);
        rig.Restart(Required);
        Assert.Contains("older copies of the image are refused", rig.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutRoomForACounter_HasTheMaskAlone()
    {
        using var rig = new RollbackRig(Off);
        using (var tpm = new TpmClient(rig.ConnectToHardware()))
        using (TpmSecret secret = TpmSecret.WellKnown())
        {
            for (uint label = 0; label < 8; label++)
            {
                using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, secret);
                tpm.CreateCounter(owner, secret, label);
            }
        }

        byte[] before = rig.Copy();
        rig.Restart();
        Assert.Equal((0u, true), (rig.Image.CounterIndex, rig.Image.IsMasked));
        Assert.Contains("NO FULL ROLLBACK PROTECTION: no counter (", rig.Log, StringComparison.Ordinal);
        Assert.Contains("from before it was protected", rig.Refusal(before), StringComparison.Ordinal);
        Assert.Throws<ManagerException>(() => rig.Restart(Required));
    }

    [Fact]
    public void Area_WhosePlaceIsTaken_GoesToTheNext()
    {
        using var rig = new RollbackRig(Off);
        uint index = 0x2000_D000u | (uint)ImageName.Of(rig.Image.Uuid).AreaNumber;
        using (var tpm = new TpmClient(rig.ConnectToHardware()))
        using (TpmSecret secret = TpmSecret.WellKnown())
        using (TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, secret))
        {
            var anything = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
            tpm.NvDefineSpace(
                new TpmNvDataPublic
                {
                    NvIndex = index, PcrInfoRead = anything, PcrInfoWrite = anything, DataSize = 48,
                    Permission = new TpmNvAttributes { Attributes = TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite },
                },
                owner, secret);
        }

        rig.Restart();
        Assert.Equal(index + 1, rig.Image.NvramSlot);
        rig.Restart();
    }

    [Fact]
    public void Restored_IsAcceptedByItsNameOnceAndTheImagesInBetweenAreRefused()
    {
        using var rig = new RollbackRig();
        rig.Save(1);
        byte[] backup = rig.Copy();
        rig.SaveLater(2);
        byte[] between = rig.Copy();
        rig.SaveLater(3);
        byte[] last = rig.Copy();
        string refusal = rig.Refusal(backup);
        string name = refusal[(refusal.LastIndexOf(' ') + 1)..];
        Assert.Matches("^[0-9]+@[0-9]+$", name);
        Assert.Contains("names another image", rig.Refusal(backup, options => options with { AcceptRestored = "1@1" }), StringComparison.Ordinal);

        rig.StartWith(backup, options => options with { AcceptRestored = name });
        Assert.Contains("ACCEPTED AS RESTORED", rig.Log, StringComparison.Ordinal);
        Assert.Equal(1, rig.Load());
        rig.Save(4);
        byte[] accepted = rig.Copy();
        foreach (byte[] refused in (byte[][])[between, last, backup]) rig.Refusal(refused);
        Assert.Contains("names another image", rig.Refusal(backup, options => options with { AcceptRestored = name }), StringComparison.Ordinal);
        rig.StartWith(accepted, options => options with { AcceptRestored = name });
        Assert.Contains("there is nothing to accept", rig.Log, StringComparison.Ordinal);
        Assert.Equal(4, rig.Load());
    }

    [Fact]
    public void Restored_WhileTheCounterDoesNotCount_IsNotServed()
    {
        using var rig = new RollbackRig();
        rig.Save(1);
        byte[] backup = rig.Copy();
        rig.SaveLater(2);
        byte[] last = rig.Copy();
        string refusal = rig.Refusal(backup);
        rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.BadCounter) : null;
        string message = Assert.Throws<ManagerException>(() => rig.StartWith(backup, options => options with { AcceptRestored = refusal[(refusal.LastIndexOf(' ') + 1)..] })).Message;
        Assert.Contains("the hardware counter does not count", message, StringComparison.Ordinal);
        rig.Intercept = null;
        rig.Restart();
        Assert.Equal(1, rig.Load());
        rig.Refusal(last);
    }

    [Fact]
    public void Required_AndNotThereWhenTheImageIsFirstSaved_SavesNothingMore()
    {
        using var rig = new RollbackRig(Required, provision: false);
        rig.Intercept = ordinal => ordinal == TpmOrdinal.IncrementCounter ? RollbackRig.Answer(TpmResult.BadCounter) : null;
        Assert.Contains("saves nothing", Assert.Throws<ManagerException>(() => rig.Rig.Provision()).Message, StringComparison.Ordinal);
        rig.Intercept = null;
        byte[] disk = rig.Copy();
        Assert.Equal(TpmResult.IOError, Assert.Throws<VtpmManagerException>(() => rig.Save(1)).Result);
        const uint Rotate = (uint)VtpmManagerOrdinal.GroupRotate;
        Assert.Equal(TpmResult.IOError, rig.Rig.Send(ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, Rotate, 0, 0, 0, 0));
        Assert.Equal(disk, rig.Copy());
        Assert.Contains("which is required", rig.Log, StringComparison.Ordinal);
        Assert.Contains("Nothing more is saved until the manager has been started again", rig.Log, StringComparison.Ordinal);
        rig.Restart(Required);
        rig.Save(2);
        Assert.Equal(2, rig.Load());
    }

    private static ManagerOptions Off(ManagerOptions options) => options with { RollbackProtection = RollbackProtection.Off };

    private static ManagerOptions Required(ManagerOptions options) => options with { RollbackProtection = RollbackProtection.Required };
}
