using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Configurations with more platforms and kernels than the original's image has room for.</summary>
public sealed class LongListTests : IDisposable
{
    private static readonly Guid Uuid = new("41111111-2222-3333-4444-555555555555");

    private readonly ManagerRig _rig = new(HardwareKind.Engine);
    private readonly RSA _authority = RSA.Create();

    public LongListTests() => _authority.ImportFromPem(File.ReadAllText(_rig.KeyPath));

    public void Dispose()
    {
        _rig.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public void GroupUpdate_FortyPlatformsAndThousandsOfKernels_OpensAfterTheNextStartWithAllOfThem()
    {
        const uint mask = ProvisioningOptions.DefaultPcrMask;
        PlatformConfiguration present = new(mask, _rig.Manager.Service.Hardware.ReadComposite(mask));
        // The one that opens it is in the last sector of each list, behind those that do not.
        PlatformConfiguration[] platforms =
            [.. Enumerable.Range(0, 39).Select(i => new PlatformConfiguration(mask, TpmDigest.Of([(byte)i]))), present];
        TpmDigest[] kernels =
            [.. Enumerable.Range(0, 3000).Select(i => TpmDigest.Of(BitConverter.GetBytes(i))), ManagerLink.Hash(VtpmLabel.AnyOnSocket)];
        Update(SignedConfiguration.Create(_authority, ulong.MaxValue, platforms, kernels));
        byte[] keyData = RandomNumberGenerator.GetBytes(VtpmHashKey.MinSize), loaded = new byte[VtpmHashKey.MaxSize];
        using (VtpmManagerClient vtpm = _rig.Vtpm(Uuid)) vtpm.SaveHashKey(keyData);

        _rig.Restart();
        using (VtpmManagerClient vtpm = _rig.Vtpm(Uuid)) Assert.Equal(keyData, loaded[..vtpm.LoadHashKey(loaded)]);
        using VtpmManagement administrator = new(_rig.Connect(ManagerLink.ToAdministrator()));
        VtpmGroupInfoResponse info = administrator.GroupInfo(0);
        Assert.Equal(platforms.Select(platform => platform.DigestRelease), info.Platforms.Select(platform => platform.Composite));
        Assert.Equal(kernels, info.Kernels);
        Assert.Equal((1, 1), (_rig.Image[15], _rig.Image[4096 + 15]));   // the version in both seal lists
    }

    [Fact]
    public void GroupUpdate_BeyondTheImagesLimits_IsSize()
    {
        var platforms = new PlatformConfiguration[ManagerGroup.MaxPlatforms + 1];
        var refusal = Assert.Throws<VtpmManagerException>(() => Update(SignedConfiguration.Create(_authority, ulong.MaxValue, platforms, [])));
        Assert.Equal(TpmResult.Size, refusal.Result);
        Assert.Equal(ManagerGroup.MaxKernels, VtpmConfigList.Limit);   // a longer list is none that can be read
    }

    private void Update(byte[] file)
    {
        using VtpmManagement administrator = new(_rig.Connect(ManagerLink.ToAdministrator()));
        administrator.UpdateGroup(0, file);
    }
}
