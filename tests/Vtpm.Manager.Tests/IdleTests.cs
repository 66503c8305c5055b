using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>What the manager does while nobody asks anything.</summary>
public sealed class IdleTests
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");
    private static readonly byte[] Key = [.. Enumerable.Range(1, 52).Select(i => (byte)i)];

    [Fact]
    public void Image_GetsATwin_OnceNobodyAsksAnything()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(Key);
        Assert.False(rig.Manager.Service.Image.HasTwin);

        rig.Manager.Idle.Look();
        Assert.False(rig.Manager.Service.Image.HasTwin);
        rig.Manager.Idle.Look();
        Assert.True(rig.Manager.Service.Image.HasTwin);
    }

    [Fact]
    public void Image_OfABusyManager_IsLeftAlone()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        for (int i = 0; i < 3; i++)
        {
            vtpm.SaveHashKey(Key);
            rig.Manager.Idle.Look();
            Assert.False(rig.Manager.Service.Image.HasTwin);
        }
    }

    [Fact]
    public void Image_WithSavesThatWait_IsLeftAlone()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(Key);
        using ManagerConnection connection = rig.Manager.Connect(new VtpmPeer(Uuid, VtpmLabel.OnSocket(Uuid)));
        byte[] response = new byte[4096];
        Assert.Equal(Transports.TpmServer.Deferred, connection.Begin([0x01, 0xC1, 0, 0, 0, 62, 0, 0, 0, 1, .. Key], response));
        rig.Manager.Idle.Look();
        rig.Manager.Idle.Look();
        Assert.False(rig.Manager.Service.Image.HasTwin);

        Assert.Equal(10, connection.Finish(response));
        rig.Manager.Idle.Look();
        Assert.True(rig.Manager.Service.Image.HasTwin);
    }

    [Fact]
    public void Image_OfAManagerThatHasEnded_IsLeftAlone()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(Key);
        rig.Manager.Idle.Look();
        byte[] disk = [.. rig.Image];
        rig.Manager.Dispose();
        rig.Manager.Idle.Look();
        Assert.Equal(disk, rig.Image);
    }

    [Fact]
    public void Image_WhoseDiskFails_IsComplainedOfOnce()
    {
        FailingStore? store = null;
        using var rig = new ManagerRig(HardwareKind.Engine, with: options => options with { Image = store = new FailingStore(options.Image!) });
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(Key);
        store!.Fails = true;
        for (int i = 0; i < 4; i++) rig.Manager.Idle.Look();

        Assert.False(rig.Manager.Service.Image.HasTwin);
        Assert.Single(rig.Log, line => line.Contains("stays one save behind", StringComparison.Ordinal));
    }
}
