using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>What administrators see and change: manager, groups, vTPMs, rights, keys.</summary>
public sealed class AdministrationTests : IDisposable
{
    private const int Pcr = 8;
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid Second = new("22222222-2222-3333-4444-555555555555");
    private readonly ManagerRig _rig = new(HardwareKind.Engine, with: options => options with { FirstIsAdmin = false });
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public void First_WithoutBeingTold_IsNoAdministrator()
    {
        using VtpmManagerClient first = Opened(First);
        Assert.Equal(TpmResult.AuthFail, Refusal(() => first.Manage(VtpmManagerOrdinal.GroupList, [])));
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => first.Hardware.Extend(16, default)).Result);
        Assert.Equal(VtpmRights.None, Show(First).Rights);
    }

    [Fact]
    public void AdminVtpms_AreAdministratorsAsLongAsTheManagerIsToldSo()
    {
        _rig.Restart(options => options with { FirstIsAdmin = false, AdminVtpms = [Second] });
        using (VtpmManagerClient first = Opened(First)) Assert.Equal(TpmResult.AuthFail, Refusal(() => first.Manage(VtpmManagerOrdinal.GroupList, [])));
        using (VtpmManagerClient closed = _rig.Vtpm(Second)) Assert.Equal(TpmResult.AuthFail, Refusal(() => closed.Manage(VtpmManagerOrdinal.GroupList, [])));
        using (VtpmManagerClient second = Opened(Second)) Assert.Equal(4, second.Manage(VtpmManagerOrdinal.GroupList, []).Length);
        Assert.Equal(VtpmRights.Admin, Show(Second).Rights);
        _rig.Restart();
        using VtpmManagerClient again = Opened(Second);
        Assert.Equal(TpmResult.AuthFail, Refusal(() => again.Manage(VtpmManagerOrdinal.GroupList, [])));
    }

    [Fact]
    public void VtpmEdit_GivesAndTakesTheRightAtOnceAndForGood()
    {
        VtpmManagerClient vtpm = Opened(First);
        Edit(First, VtpmRights.Admin, VtpmRights.Admin);
        Assert.Equal(4, vtpm.Manage(VtpmManagerOrdinal.GroupList, []).Length);
        Edit(First, VtpmRights.None, VtpmRights.None);   // Nothing is masked, so nothing changes.
        vtpm.Dispose();
        _rig.Restart();
        using VtpmManagerClient again = Opened(First);
        Assert.Equal(4, again.Manage(VtpmManagerOrdinal.GroupList, []).Length);
        Edit(First, VtpmRights.Admin, VtpmRights.None);
        Assert.Equal(TpmResult.AuthFail, Refusal(() => again.Manage(VtpmManagerOrdinal.GroupList, [])));
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Edit(Guid.NewGuid(), VtpmRights.Admin, VtpmRights.Admin)));
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Edit(First, (VtpmRights)3, VtpmRights.None)));
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Edit(First, VtpmRights.Admin, (VtpmRights)2)));
    }

    [Fact]
    public void VtpmShow_TellsWhoCameAndWhetherItWasAdmitted()
    {
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Show(First)));
        using VtpmManagerClient administrator = _rig.Administrator();
        administrator.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Uuid = First });
        VtpmShowResponse shown = Show(First);
        Assert.Equal((VtpmStates.GroupOpen, default, default, default), (shown.State, shown.KernelHash, shown.LabelHash, shown.ExecutableHash));

        using (VtpmManagerClient stranger = _rig.Vtpm(First, "stranger")) Assert.Equal(TpmResult.Disabled, Refusal(() => stranger.LoadHashKey(new byte[64])));
        shown = Show(First);
        Assert.Equal((VtpmStates.GroupOpen, TpmDigest.Of("stranger"u8)), (shown.State, shown.LabelHash));

        using VtpmManagerClient vtpm = Opened(First);
        shown = Show(First);
        Assert.Equal(VtpmStates.GroupOpen | VtpmStates.Connected | VtpmStates.HasKey, shown.State);
        Assert.Equal(TpmDigest.Of("*:vtpm:socket"u8), shown.KernelHash);
        Assert.Equal((0u, _rig.Manager.Service.Image.Groups[0].Uuid), (shown.Group, shown.GroupUuid));
    }

    /// <summary>What the peer runs comes before what it is called; who has neither is refused.</summary>
    [Fact]
    public void Kernel_OfAnExecutable_AdmitsItAndIsWhatAQuoteTells()
    {
        TpmDigest executable = TpmDigest.Of("vtpm 1.0"u8);
        using VtpmManagerClient administrator = _rig.Administrator();
        TpmDigest value = administrator.Hardware.PcrRead(Pcr);
        _authority.NewGroup(administrator);
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(1, Pcr, value, kernels: [executable])]);
        administrator.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Group = 1, Uuid = First });
        using (var other = new VtpmManagerClient(_rig.Connect(ManagerLink.ToVtpm(First, "label", TpmDigest.Of("vtpm 0.9"u8)))))
            Assert.Equal(TpmResult.Disabled, Refusal(() => other.SaveHashKey(new byte[52])));
        Assert.Equal(TpmDigest.Of("vtpm 0.9"u8), Show(First).ExecutableHash);
        Assert.Contains(_rig.Log, line => line.Contains($"or its executable's {TpmDigest.Of("vtpm 0.9"u8)},", StringComparison.Ordinal));
        using (var unmeasured = new VtpmManagerClient(_rig.Connect(ManagerLink.ToVtpm(First, "label"))))
            Assert.Equal(TpmResult.Disabled, Refusal(() => unmeasured.SaveHashKey(new byte[52])));

        using (var approved = new VtpmManagerClient(_rig.Connect(ManagerLink.ToVtpm(First, "label", executable))))
        {
            approved.SaveHashKey(new byte[52]);
            Assert.Equal(executable, approved.GetBootHash());
            VtpmGetQuoteResponse quote =
                approved.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(Pcr), Flags = VtpmQuoteFlags.VtpmMeasurements });
            Assert.Equal(SHA1.HashData(executable.ReadOnlySpan), quote.Hashes(VtpmQuoteFlags.VtpmMeasurements).ToArray());
        }

        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(2, Pcr, value, kernels: [TpmDigest.Of("label"u8), executable])]);
        using var both = new VtpmManagerClient(_rig.Connect(ManagerLink.ToVtpm(First, "label", executable)));
        both.SaveHashKey(new byte[52]);
        Assert.Equal(executable, both.GetBootHash());
    }

    [Fact]
    public void GroupInfo_ShowsOpenAndClosedGroupsAndPagesOfLists()
    {
        using VtpmManagerClient administrator = _rig.Administrator();
        VtpmGroupNewResponse made = _authority.NewGroup(administrator);
        VtpmGroupInfoResponse info = Info(1);
        Assert.Equal(VtpmGroupStates.Open | VtpmGroupStates.Authority | VtpmGroupStates.Identity | VtpmGroupStates.Registrable, info.State);
        Assert.Equal((made.GroupUuid, 0ul, 0u, 0u), (info.GroupUuid, info.ConfigurationSequence, info.PlatformCount, info.KernelCount));
        Assert.Equal(made.AikModulus.ToArray(), info.AikModulus.ToArray());
        Assert.Equal(_authority.Modulus, info.SaaModulus.ToArray());

        TpmDigest[] kernels = [.. Enumerable.Range(0, 16).Select(i => TpmDigest.Of((byte[])[(byte)i]))];
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(3, Pcr, TpmDigest.AllOnes, kernels: kernels)]);
        _rig.Restart();
        info = Info(1);
        Assert.Equal(VtpmGroupStates.Authority | VtpmGroupStates.Identity, info.State);
        Assert.Equal((3ul, 1u, 16u), (info.ConfigurationSequence, info.PlatformCount, info.KernelCount));
        Assert.Equal(kernels, info.Kernels);
        info = Info(1, platformOffset: 1, kernelOffset: 10);
        Assert.Empty(info.Platforms);
        Assert.Equal(kernels[10..], info.Kernels);
        Assert.Empty(Info(1, uint.MaxValue, uint.MaxValue).Kernels);
        Assert.Equal(TpmResult.BadIndex, Refusal(() => Info(2)));
    }

    [Fact]
    public void ManagerInfo_TellsWhatTheImageIs()
    {
        using VtpmManagerClient first = Opened(First);
        using VtpmManagerClient administrator = _rig.Administrator();
        VtpmManagerInfoResponse info = administrator.Manage<NoParameters, VtpmManagerInfoResponse>(VtpmManagerOrdinal.ManagerInfo, default);
        Assert.Equal((_rig.Manager.Uuid, VtpmManagerStates.Persistent, 1u, 1u), (info.ManagerUuid, info.State, info.Groups, info.Vtpms));
        Assert.Equal(_rig.Manager.Service.Image.Sequence, info.ImageSequence);
        Assert.Equal(256u * 1024, info.LongestConfiguration);
    }

    [Fact]
    public void Rotation_OfGroupAndManager_KeepsEveryKeyUnderNewOnes()
    {
        byte[] keyData = RandomNumberGenerator.GetBytes(52);
        using (VtpmManagerClient vtpm = _rig.Vtpm(First)) vtpm.SaveHashKey(keyData);
        using (VtpmManagerClient administrator = _rig.Administrator())
        {
            ManagerGroup group = _rig.Manager.Service.Image.Groups[0];
            byte[] groupKey = group.GroupKey.ToArray();
            byte[] macKey = group.RollbackMacKey.ToArray();
            byte[] disk = [.. _rig.Image];
            administrator.Manage(VtpmManagerOrdinal.GroupRotate, [0, 0, 0, 0]);
            Assert.NotEqual(groupKey, group.GroupKey.ToArray());
            Assert.NotEqual(macKey, group.RollbackMacKey.ToArray());
            Assert.True(Info(0).State.HasFlag(VtpmGroupStates.Registrable));
            administrator.Manage(VtpmManagerOrdinal.ManagerRotate, []);
            Assert.NotEqual(disk[..(2 * 4096)], _rig.Image[..(2 * 4096)]);   // Both seal lists are new.
            Assert.Equal(TpmResult.BadIndex, Refusal(() => administrator.Manage(VtpmManagerOrdinal.GroupRotate, [0, 0, 0, 1])));
        }

        _rig.Restart();
        using VtpmManagerClient again = _rig.Vtpm(First);
        byte[] loaded = new byte[64];
        Assert.Equal(52, again.LoadHashKey(loaded));
        Assert.Equal(keyData, loaded[..52]);
    }

    [Fact]
    public void ManagerRotate_CarriesClosedGroupsAlong()
    {
        using VtpmManagerClient administrator = _rig.Administrator();
        TpmDigest value = administrator.Hardware.PcrRead(Pcr);
        _authority.NewGroup(administrator);
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. _authority.Approve(1, Pcr, value)]);
        administrator.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Group = 1, Uuid = First });
        byte[] keyData = RandomNumberGenerator.GetBytes(52);
        using (VtpmManagerClient vtpm = _rig.Vtpm(First)) vtpm.SaveHashKey(keyData);
        administrator.Hardware.Extend(Pcr, default);
        _rig.Restart();
        using (VtpmManagerClient other = _rig.Administrator())
        {
            Assert.Equal(TpmResult.AuthFail, Refusal(() => other.Manage(VtpmManagerOrdinal.GroupRotate, [0, 0, 0, 1])));
            Assert.Equal(TpmResult.AuthFail, Refusal(() => other.Manage(VtpmManagerOrdinal.GroupIdentity, [0, 0, 0, 1, .. new byte[20]])));
            Assert.Equal(TpmResult.AuthFail, Refusal(() => other.Manage(VtpmManagerOrdinal.GroupQuote, WireFormat.ToBytes(new VtpmGroupQuoteRequest { Group = 1 }))));
            Assert.Equal(TpmResult.AuthFail, Refusal(() => Edit(First, VtpmRights.Admin, VtpmRights.Admin)));
            other.Manage(VtpmManagerOrdinal.ManagerRotate, []);
        }

        _rig.Hardware.PowerCycle();
        _rig.Restart();
        using VtpmManagerClient again = _rig.Vtpm(First);
        byte[] loaded = new byte[64];
        Assert.Equal(52, again.LoadHashKey(loaded));
        Assert.Equal(keyData, loaded[..52]);
    }

    private VtpmManagerClient Opened(Guid uuid)
    {
        VtpmManagerClient vtpm = _rig.Vtpm(uuid);
        vtpm.SaveHashKey([.. Enumerable.Repeat((byte)1, 52)]);
        return vtpm;
    }

    private VtpmShowResponse Show(Guid uuid)
    {
        using VtpmManagerClient administrator = _rig.Administrator();
        return administrator.Manage<VtpmUuid, VtpmShowResponse>(VtpmManagerOrdinal.VtpmShow, new VtpmUuid { Uuid = uuid });
    }

    private void Edit(Guid uuid, VtpmRights mask, VtpmRights rights)
    {
        using VtpmManagerClient administrator = _rig.Administrator();
        administrator.Manage(VtpmManagerOrdinal.VtpmEdit, WireFormat.ToBytes(new VtpmEditRequest { Uuid = uuid, Mask = mask, Rights = rights }));
    }

    private VtpmGroupInfoResponse Info(uint group, uint platformOffset = 0, uint kernelOffset = 0)
    {
        using VtpmManagerClient administrator = _rig.Administrator();
        return administrator.Manage<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(
            VtpmManagerOrdinal.GroupInfo, new VtpmGroupInfoRequest { Group = group, PlatformOffset = platformOffset, KernelOffset = kernelOffset });
    }

    private static TpmResult Refusal(Action action) => Assert.Throws<VtpmManagerException>(action).Result;
}
