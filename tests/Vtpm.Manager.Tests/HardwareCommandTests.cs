using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Commands on the hardware TPM by the owner's authorization that the manager has.</summary>
public sealed class HardwareCommandTests
{
    private const uint Index = 0x0001_0042;

    [Fact]
    public void ReadPubek_GivesTheEndorsementKeyThatNobodyElseMayRead()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        TpmPubKey key = administrator.Manage<NoParameters, TpmPubKey>(VtpmManagerOrdinal.TpmReadPubek, default);
        Assert.Equal(TpmKeys.KeyBits / 8, key.PubKey.Key.Length);
        using var tpm = new TpmClient(rig.Hardware.Connect());
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
        using TpmSecret secret = TpmSecret.WellKnown();
        using TpmSession owner = tpm.Oiap(secret);
        Assert.Equal(tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner).PubKey.Key.ToArray(), key.PubKey.Key.ToArray());
    }

    [Theory]
    [InlineData(HardwareKind.Engine, TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite)]
    [InlineData(HardwareKind.Engine, TpmNvPermission.OwnerWrite)]
    [InlineData(HardwareKind.Swtpm, TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite)]
    [InlineData(HardwareKind.Swtpm, TpmNvPermission.OwnerWrite)]
    public void NvArea_DefinedAndWritten_IsReadAndDeleted(HardwareKind kind, TpmNvPermission permission)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient administrator = rig.Administrator();
        Define(administrator, TpmNvIndex.Lock, 0, TpmNvPermission.None);
        Define(administrator, Index, 32, permission);
        administrator.Manage(VtpmManagerOrdinal.TpmNvWriteValue, WireFormat.ToBytes(new VtpmNvWriteValueRequest { NvIndex = Index, Offset = 4, Data = "manager"u8.ToArray() }));
        Assert.Equal("manage"u8.ToArray(), Read(administrator, Index, 4, 6));
        Assert.Equal(TpmResult.NoSpace, Refusal(() => Read(administrator, Index, 30, 3)));
        Define(administrator, Index, 0, permission);
        Assert.Equal(TpmResult.BadIndex, Refusal(() => Read(administrator, Index, 0, 1)));
        Assert.Equal(TpmResult.BadIndex, Refusal(() =>
            administrator.Manage(VtpmManagerOrdinal.TpmNvWriteValue, WireFormat.ToBytes(new VtpmNvWriteValueRequest { NvIndex = Index, Data = new byte[1] }))));
    }

    [Fact]
    public void NvArea_WithASecretOfItsOwn_IsTheHardwaresRefusal()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        Define(administrator, TpmNvIndex.Lock, 0, TpmNvPermission.None);
        Define(administrator, Index, 32, TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite);
        Assert.Equal(TpmResult.AuthConflict, Refusal(() => Read(administrator, Index, 0, 1)));
    }

    /// <summary>Also under the name that the same area has with the attribute D.</summary>
    [Theory]
    [InlineData(Index)]
    [InlineData(Index | TpmNvIndex.D)]
    public void NvArea_OfTheManagersImage_IsLocked(uint index)
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        Define(administrator, Index, 32, TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite);
        rig.Manager.Service.Image.SetNvram(Index, default);
        Assert.Equal(TpmResult.Success, rig.Manager.Service.Save("test"));
        Assert.Equal(TpmResult.AreaLocked, Refusal(() => Read(administrator, index, 0, 1)));
        Assert.Equal(TpmResult.AreaLocked, Refusal(() => Define(administrator, index, 0, TpmNvPermission.None)));
        Assert.Equal(TpmResult.AreaLocked, Refusal(() =>
            administrator.Manage(VtpmManagerOrdinal.TpmNvWriteValue, WireFormat.ToBytes(new VtpmNvWriteValueRequest { NvIndex = index, Data = new byte[1] }))));
    }

    [Fact]
    public void NvValues_OfMoreThanAMessage_AreBadParameters()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Read(administrator, Index, 0, 3073)));
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Read(administrator, Index, 0, uint.MaxValue)));
        Assert.Equal(TpmResult.BadParameter, Refusal(() =>
            administrator.Manage(VtpmManagerOrdinal.TpmNvWriteValue, WireFormat.ToBytes(new VtpmNvWriteValueRequest { NvIndex = Index, Data = new byte[3073] }))));
    }

    [Fact]
    public void Identity_WithWrongSecretOrTooLongABlob_IsRefused()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        using VtpmManagerClient administrator = rig.Administrator();
        var auth = new TpmAuthData(RandomNumberGenerator.GetBytes(20));
        TpmKey key = administrator.Manage<VtpmMakeIdentityRequest, VtpmMakeIdentityResponse>(
            VtpmManagerOrdinal.TpmMakeIdentity, new VtpmMakeIdentityRequest { IdentityAuth = auth, IdKeyParams = TpmKeys.Identity }).IdKey;
        Assert.Equal(TpmResult.AuthFail, Refusal(() => Activate(new VtpmActivateIdentityRequest { IdKey = key, Blob = new byte[256] })));
        Assert.Equal(TpmResult.BadParameter, Refusal(() => Activate(new VtpmActivateIdentityRequest { IdKey = key, IdentityAuth = auth, Blob = new byte[513] })));
        // A storage key is no identity.
        Assert.Equal(TpmResult.InvalidKeyUsage, Refusal(() => administrator.Manage(
            VtpmManagerOrdinal.TpmMakeIdentity, WireFormat.ToBytes(new VtpmMakeIdentityRequest { IdKeyParams = TpmKeys.Storage(TpmKeyFlags.None) }))));

        void Activate(VtpmActivateIdentityRequest request) => administrator.Manage(VtpmManagerOrdinal.TpmActivateIdentity, WireFormat.ToBytes(request));
    }

    [Fact]
    public void EveryHardwareCommand_WithoutTheOwnersSecret_IsTheHardwaresAuthFail()
    {
        using var rig = new ManagerRig(HardwareKind.Engine);
        rig.Restart(options => options with { OwnerAuth = "text:wrong" });
        using VtpmManagerClient administrator = rig.Administrator();
        Assert.Equal(TpmResult.AuthFail, Refusal(() => administrator.Manage(VtpmManagerOrdinal.TpmReadPubek, [])));
    }

    private static void Define(VtpmManagerClient administrator, uint index, uint size, TpmNvPermission permission)
    {
        var anything = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
        var area = new TpmNvDataPublic
        {
            NvIndex = index,
            PcrInfoRead = anything,
            PcrInfoWrite = anything,
            Permission = new TpmNvAttributes { Attributes = permission },
            DataSize = size,
        };
        administrator.Manage(VtpmManagerOrdinal.TpmNvDefineSpace, WireFormat.ToBytes(new VtpmNvDefineSpaceRequest { PubInfo = area }));
    }

    private static byte[] Read(VtpmManagerClient administrator, uint index, uint offset, uint size) =>
        administrator.Manage<VtpmNvReadValueRequest, VtpmNvReadValueResponse>(
            VtpmManagerOrdinal.TpmNvReadValue, new VtpmNvReadValueRequest { NvIndex = index, Offset = offset, DataSize = size }).Data.ToArray();

    private static TpmResult Refusal(Action action) => Assert.Throws<VtpmManagerException>(action).Result;
}
