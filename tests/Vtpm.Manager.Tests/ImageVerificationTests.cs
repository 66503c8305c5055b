using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>An image verified with the hardware TPM that it is sealed by.</summary>
public sealed class ImageVerificationTests : IDisposable
{
    private static readonly Guid Uuid = new("51111111-2222-3333-4444-555555555555");
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("vtpm-check-").FullName, "manager.img");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Run_BesideARunningManager_VerifiesEverythingAndLeavesTheTpmToIt(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using var vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[VtpmHashKey.MinSize]);
        File.WriteAllBytes(_path, rig.Image);
        var options = new ImageVerificationOptions
        {
            Hardware = new ManagerOptions { Hardware = Transports.TpmAddress.Named("test", "hardware"), Connect = _ => rig.Hardware.Connect() },
        };
        if (kind == HardwareKind.Engine)   // swtpm serves one connection at a time
        {
            ImageReport report = ImageVerification.Run(_path, options);
            Assert.True(report is { IsWhole: true, IsDamaged: false }, string.Join('\n', report.Findings));
            Assert.Equal(rig.Image, File.ReadAllBytes(_path));
            vtpm.SaveHashKey(new byte[VtpmHashKey.MinSize]);
        }

        rig.Manager.Dispose();
        byte[] damaged = [.. rig.Image];
        damaged[3 * 4096 + 100] ^= 1;
        File.WriteAllBytes(_path, damaged);
        ImageReport found = ImageVerification.Run(_path, options);
        Assert.Contains(found.Findings, finding => finding is { Kind: ImageFindingKind.Damage, Root: 1, Sector: 3 });
    }

    [Fact]
    public void Run_ImageInUse_IsRefused()
    {
        using FileBlockStore store = FileBlockStore.OpenOrCreate(_path, 64 * 1024);
        Assert.Equal(StorageFault.InUse, Assert.Throws<StorageException>(() => ImageVerification.Run(_path, new ImageVerificationOptions())).Fault);
    }
}
