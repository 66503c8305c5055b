using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>SAVEHASHKEY, LOADHASHKEY and GETBOOTHASH, and who may open what.</summary>
public sealed class HashKeyTests : IDisposable
{
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid Second = new("22222222-2222-3333-4444-555555555555");
    private readonly ManagerRig _rig = new(HardwareKind.Engine);

    public void Dispose() => _rig.Dispose();

    [Theory]
    [InlineData(52, 52)]
    [InlineData(53, 64)]
    [InlineData(64, 64)]
    public void LoadHashKey_AfterASave_GivesItFilledUp(int saved, int loaded)
    {
        byte[] key = Key(saved);
        using (VtpmManagerClient vtpm = _rig.Vtpm(First)) vtpm.SaveHashKey(key);
        using VtpmManagerClient again = _rig.Vtpm(First);
        byte[] buffer = new byte[64];
        Assert.Equal(loaded, again.LoadHashKey(buffer));
        Assert.Equal((byte[])[.. key, .. new byte[64 - saved]], buffer);
    }

    [Fact]
    public void LoadHashKey_OfALongerOneReplacedByAShorter_LeavesNothingOfIt()
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(First);
        vtpm.SaveHashKey(Key(64));
        vtpm.SaveHashKey(Key(52));
        Assert.Equal(52, vtpm.LoadHashKey(new byte[64]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(51)]
    [InlineData(65)]
    public void SaveHashKey_OfAnotherLength_IsABadParameter(int length)
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(First);
        Assert.Equal(TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => vtpm.SaveHashKey(new byte[length])).Result);
    }

    [Fact]
    public void LoadHashKey_OfAnUnknownUuid_IsABadParameterAndCreatesNothing()
    {
        Assert.Equal(TpmResult.BadParameter, _rig.Send(Link(First), TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.LoadHashKey));
        Assert.Equal(0, _rig.Manager.VtpmCount);
    }

    [Fact]
    public void Vtpm_ThatIsRefusedWithoutEnd_FillsNoLogAndHidesNoOther()
    {
        using VtpmManagerClient first = _rig.Vtpm(First);
        first.SaveHashKey(Key(52));
        ManagerLink twice = Link(First), unknown = Link(Second);
        for (int i = 0; i < 200; i++)
        {
            Assert.Equal(TpmResult.Disabled, _rig.Send(twice, TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.LoadHashKey));
            Assert.Equal(TpmResult.BadOrdinal, _rig.Send(twice, TpmTag.VtpmReq, 12345));
        }

        Assert.InRange(_rig.Log.Count(line => line.Contains($"{First}", StringComparison.Ordinal)), 1, 100);
        Assert.Equal(TpmResult.BadParameter, _rig.Send(unknown, TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.LoadHashKey));
        Assert.Contains($"INFO[VTPM]: LoadHashKey with unknown UUID={Second}", _rig.Log);
    }

    [Fact]
    public void SaveHashKey_OfTheVeryFirst_MakesItAdministratorAndOnlyIt()
    {
        using VtpmManagerClient first = _rig.Vtpm(First);
        using VtpmManagerClient second = _rig.Vtpm(Second);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => List(first)).Result);
        first.SaveHashKey(Key(52));
        second.SaveHashKey(Key(52));
        Assert.Equal(1u, List(first));
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => List(second)).Result);
        Assert.Contains(_rig.Log, line => line == $"INFO[VTPM]: SaveHashKey with unknown UUID={First} - creating in auth0 (f=1)");
        Assert.Contains(_rig.Log, line => line == $"INFO[VTPM]: SaveHashKey with unknown UUID={Second} - creating in auth0 (f=0)");
    }

    [Fact]
    public void Administrator_ThatHasNotOpened_MayNotManage()
    {
        using (VtpmManagerClient first = _rig.Vtpm(First)) first.SaveHashKey(Key(52));
        using VtpmManagerClient again = _rig.Vtpm(First);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => List(again)).Result);
        again.LoadHashKey(new byte[64]);
        Assert.Equal(1u, List(again));
    }

    [Fact]
    public void Open_OfAUuidThatIsOpen_IsDisabledUntilItsConnectionCloses()
    {
        VtpmManagerClient first = _rig.Vtpm(First);
        first.SaveHashKey(Key(52));
        using VtpmManagerClient twin = _rig.Vtpm(First);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => twin.LoadHashKey(new byte[64])).Result);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => twin.SaveHashKey(Key(52))).Result);
        first.Dispose();
        Assert.Equal(52, twin.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void Close_OfALinkThatWasRefused_LeavesTheOneThatIsOpen()
    {
        using VtpmManagerClient first = _rig.Vtpm(First);
        first.SaveHashKey(Key(52));
        using (VtpmManagerClient twin = _rig.Vtpm(First)) Assert.Throws<VtpmManagerException>(() => twin.LoadHashKey(new byte[64]));
        using VtpmManagerClient third = _rig.Vtpm(First);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => third.LoadHashKey(new byte[64])).Result);
    }

    [Theory]
    [InlineData("anybody:vtpm:socket", true)]
    [InlineData("vtpm:socket", false)]
    [InlineData("anybody:vtpm:sockets", false)]
    [InlineData(":vtpm:socket", false)]
    [InlineData("", false)]
    public void Open_WithALabel_AsksTheGroupsKernelList(string label, bool admitted)
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(First, label);
        if (admitted) vtpm.SaveHashKey(Key(52));
        else Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => vtpm.SaveHashKey(Key(52))).Result);
        Assert.Equal(admitted ? 1 : 0, _rig.Manager.VtpmCount);
    }

    [Fact]
    public void Open_OfAKnownUuidWithALabelNotOnTheList_IsDisabled()
    {
        using (VtpmManagerClient vtpm = _rig.Vtpm(First)) vtpm.SaveHashKey(Key(52));
        using VtpmManagerClient stranger = _rig.Vtpm(First, "user:other:type");
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => stranger.LoadHashKey(new byte[64])).Result);
        Assert.Equal(TpmResult.Disabled, Assert.Throws<VtpmManagerException>(() => stranger.SaveHashKey(Key(52))).Result);
        Assert.Contains(_rig.Log, line => line.Contains("label:user:other:type ", StringComparison.Ordinal));
    }

    [Fact]
    public void GetBootHash_AfterOpening_IsTheHashThatTheListHas()
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(First, "user:vtpm:socket");
        Assert.Equal(TpmDigest.Of("user:vtpm:socket"u8), vtpm.GetBootHash());
        vtpm.SaveHashKey(Key(52));
        Assert.Equal(TpmDigest.Of("*:vtpm:socket"u8), vtpm.GetBootHash());
    }

    [Fact]
    public void UnprovisionedManager_KeepsNothingAndSaysSoOnEverySave()
    {
        using var rig = new ManagerRig(HardwareKind.Engine, provision: false);
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        for (int i = 1; i <= 2; i++)
        {
            Assert.Equal(TpmResult.Fail, Assert.Throws<VtpmManagerException>(() => vtpm.SaveHashKey(Key(52))).Result);
            Assert.Equal(i, rig.Log.Count(line => line.Contains("NOTHING IS KEPT", StringComparison.Ordinal)));
        }

        Assert.Equal(0, rig.Manager.VtpmCount);
        rig.Provision();
        vtpm.SaveHashKey(Key(52));
        Assert.Equal(1, rig.Manager.VtpmCount);
    }

    [Fact]
    public void UnprovisionedManager_ThatIsAllowed_AcknowledgesWhatIsInMemoryAlone()
    {
        using var rig = new ManagerRig(HardwareKind.Engine, provision: false, with: options => options with { AllowUnprovisioned = true });
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key(52));
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) Assert.Equal(52, vtpm.LoadHashKey(new byte[64]));
        Assert.Contains(rig.Log, line => line.Contains("NOTHING IS KEPT", StringComparison.Ordinal));
        Assert.DoesNotContain(rig.Image, b => b != 0);
        rig.Restart();
        using VtpmManagerClient lost = rig.Vtpm(First);
        Assert.Equal(0, lost.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void SaveHashKey_WhenTheDiskFails_IsNotAcknowledgedAndTheOldKeyStays()
    {
        FailingStore? store = null;
        using var rig = new ManagerRig(HardwareKind.Engine, with: options => options with { Image = store = new FailingStore(options.Image!) });
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(Key(52));
        using VtpmManagerClient first = rig.Vtpm(First);
        using VtpmManagerClient second = rig.Vtpm(Second);
        store!.Fails = true;
        Assert.Equal(TpmResult.IOError, Assert.Throws<VtpmManagerException>(() => second.SaveHashKey(Key(52))).Result);
        Assert.Equal(TpmResult.IOError, Assert.Throws<VtpmManagerException>(() => first.SaveHashKey(Key(64))).Result);
        Assert.Equal(1, rig.Manager.VtpmCount);
        Assert.Equal(52, first.LoadHashKey(new byte[64]));

        store.Fails = false;
        second.SaveHashKey(Key(60));
        Assert.Equal(2, rig.Manager.VtpmCount);
        Assert.Equal(64, second.LoadHashKey(new byte[64]));
    }

    private static uint List(VtpmManagerClient client) =>
        client.Manage<NoParameters, VtpmGroupListResponse>(VtpmManagerOrdinal.GroupList, default).Count;

    private static ManagerLink Link(Guid uuid) => ManagerLink.ToVtpm(uuid, VtpmLabel.OnSocket(uuid));

    private static byte[] Key(int length) => [.. Enumerable.Range(1, length).Select(i => (byte)i)];
}
