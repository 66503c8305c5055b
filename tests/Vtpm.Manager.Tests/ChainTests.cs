using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Hardware TPM, manager and vTPMs from one start to the next.</summary>
public class ChainTests
{
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private static readonly byte[] Key = [.. Enumerable.Range(1, 52).Select(i => (byte)i)];

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Manager_FromABlankTpmAndABlankImage_KeepsAKeyOverARestartOfAll(HardwareKind kind)
    {
        using var hardware = TestHardware.Create(kind);
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength]);
        HardwareSummary before = rig.Manager.Hardware;
        Assert.True(before.TookOwnership);
        Assert.Equal("1.2", before.ChipVersion[..3]);
        Assert.Equal(24, before.Pcrs.Count);
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key);

        hardware.PowerCycle();
        rig.Restart();

        Assert.False(rig.Manager.Hardware.TookOwnership);
        Assert.Equal(before.EndorsementKeySha256, rig.Manager.Hardware.EndorsementKeySha256);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(before.EndorsementKey.Span)), before.EndorsementKeySha256);
        Assert.True(rig.Manager.IsProvisioned);
        Assert.Equal("0-7,17-19", rig.Manager.SealedTo);
        Assert.False(rig.Provision().Done);
        using VtpmManagerClient again = rig.Vtpm(First);
        Assert.Equal(Key, Load(again));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Start_WithOtherPcrs_RefusesAndSaysWhyAndLeavesTheImage(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key);
        byte[] before = [.. rig.Image];
        Extend(rig, 4);

        string message = Assert.Throws<ManagerException>(() => rig.Restart()).Message;

        Assert.Contains("PCRs 0-7,17-19 have the composite hash", message, StringComparison.Ordinal);
        Assert.Contains("Choices: start the machine in a configuration that was approved", message, StringComparison.Ordinal);
        Assert.Contains("--manufacture", message, StringComparison.Ordinal);
        Assert.Equal(before, rig.Image);
        rig.Hardware.PowerCycle();
        rig.Restart();
        using VtpmManagerClient again = rig.Vtpm(First);
        Assert.Equal(Key, Load(again));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Start_WithAnotherTpm_RefusesAndSaysWhy(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using var other = kind == HardwareKind.Engine ? new EngineHardware(new TestTpm(seed: 2)) : TestHardware.Create(kind);
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(other, rig.Image, provision: false)).Message;
        Assert.Contains("sealed by another TPM or under another owner", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Start_ThatIsToldSo_ReplacesAnImageThatDoesNotOpen(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key);
        Extend(rig, 0);

        rig.Restart(options => options with { CreateFresh = true });

        Assert.Contains(rig.Log, line => line.Contains("A FRESH IMAGE TAKES ITS PLACE", StringComparison.Ordinal));
        Assert.False(rig.Manager.IsProvisioned);
        rig.Provision();
        using VtpmManagerClient fresh = rig.Vtpm(First);
        Assert.Equal(0, fresh.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void Start_ThatIsToldSo_KeepsAnImageThatOpens()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key);
        rig.Restart(options => options with { CreateFresh = true });
        using VtpmManagerClient again = rig.Vtpm(First);
        Assert.Equal(Key, Load(again));
    }

    [Fact]
    public void Start_WithSomethingElseOnTheImage_RefusesAndLeavesIt()
    {
        using var hardware = new EngineHardware();
        byte[] image = new byte[ManagerImage.DefaultLength];
        image.AsSpan().Fill(0x55);
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(hardware, image, provision: false)).Message;
        Assert.Contains("no manager's image", message, StringComparison.Ordinal);
        Assert.DoesNotContain(image, b => b != 0x55);
    }

    [Fact]
    public void Start_WithADamagedImage_RefusesAndSaysRestore()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        rig.Image.AsSpan(2 * 4096, 2 * 4096).Fill(0x55);
        Assert.Contains("restore the image from a copy", Assert.Throws<ManagerException>(() => rig.Restart()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Save_ThatIsAcknowledged_IsInWhateverTheDiskThenHolds()
    {
        // With protection, the copy that is opened first would make the others old.
        Func<ManagerOptions, ManagerOptions> unguarded = options => options with { RollbackProtection = RollbackProtection.Off };
        using var rig = new ManagerRig(HardwareKind.Engine, with: unguarded);
        for (int i = 0; i < 5; i++)
        {
            byte[] key = [.. Key.Select(b => (byte)(b + i))];
            using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(key);
            using var copy = new ManagerRig(rig.Hardware, [.. rig.Image], provision: false, with: unguarded);
            using VtpmManagerClient again = copy.Vtpm(First);
            Assert.Equal(key, Load(again));
        }
    }

    private static byte[] Load(VtpmManagerClient vtpm)
    {
        byte[] loaded = new byte[64];
        return loaded[..vtpm.LoadHashKey(loaded)];
    }

    // Through the manager: swtpm has one client at a time.
    private static void Extend(ManagerRig rig, uint pcr)
    {
        using VtpmManagerClient administrator = rig.Administrator();
        administrator.Hardware.Extend(pcr, TpmDigest.Of("something else was booted"u8));
    }
}
