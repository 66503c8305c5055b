using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>What vTPMs and administrators ask the hardware when it is a TPM 2.0.</summary>
public sealed class Tpm2GuestTests : IDisposable
{
    private const ushort Sha1Bank = 0x04;
    private const ushort Sha256Bank = 0x0B;
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(16, 16)]
    [InlineData(200, 200)]
    [InlineData(int.MaxValue, 256)]
    public void GetRandom_IsAnsweredByTheHardware(int requested, int expected)
    {
        using ManagerRig rig = _machine.Manager();
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        byte[] random = vtpm.Hardware.GetRandom(requested);
        Assert.Equal(expected, random.Length);
        if (expected > 0) Assert.NotEqual(random, vtpm.Hardware.GetRandom(requested));
    }

    [Fact]
    public void PcrRead_IsTheSha1Banks()
    {
        using ManagerRig rig = _machine.Manager();
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        _machine.Raw.PcrExtend(Sha1Bank, 3, SHA1.HashData("x"u8));
        for (uint pcr = 0; pcr < 24; pcr++) Assert.Equal(_machine.Raw.PcrRead(Sha1Bank, (int)pcr), vtpm.Hardware.PcrRead(pcr).ReadOnlySpan.ToArray());
        Assert.Equal(TpmResult.BadIndex, Assert.Throws<TpmCommandException>(() => vtpm.Hardware.PcrRead(24)).Result);
    }

    [Fact]
    public void Extend_OfAnAdministrator_GoesToAllBanks()
    {
        using ManagerRig rig = _machine.Manager();
        using VtpmManagerClient administrator = rig.Administrator();
        TpmDigest digest = TpmDigest.Of("measured"u8);
        TpmDigest value = administrator.Hardware.Extend(9, digest);
        Assert.Equal(SHA1.HashData((byte[])[.. new byte[20], .. digest.ReadOnlySpan]), value.ReadOnlySpan.ToArray());
        Assert.Equal(value.ReadOnlySpan.ToArray(), _machine.Raw.PcrRead(Sha1Bank, 9));
        Assert.Equal(SHA256.HashData((byte[])[.. new byte[32], .. digest.ReadOnlySpan, .. new byte[12]]), _machine.Raw.PcrRead(Sha256Bank, 9));
        Assert.Equal(TpmResult.BadLocality, Assert.Throws<TpmCommandException>(() => administrator.Hardware.Extend(17, digest)).Result);
        Assert.Equal(TpmResult.BadIndex, Assert.Throws<TpmCommandException>(() => administrator.Hardware.Extend(24, digest)).Result);
    }

    /// <summary>What is of TPM 1.2 alone.</summary>
    [Fact]
    public void HardwareCommandsAndIdentities_AreDisabled()
    {
        using ManagerRig rig = _machine.Manager();
        using VtpmManagerClient administrator = rig.Administrator();
        foreach ((VtpmManagerOrdinal ordinal, byte[] parameters) in ((VtpmManagerOrdinal, byte[])[])
            [
                (VtpmManagerOrdinal.TpmMakeIdentity, WireFormat.ToBytes(new VtpmMakeIdentityRequest { IdKeyParams = TpmKeys.Identity })),
                (VtpmManagerOrdinal.TpmActivateIdentity, WireFormat.ToBytes(new VtpmActivateIdentityRequest { IdKey = TpmKeys.Identity })),
                (VtpmManagerOrdinal.TpmReadPubek, []),
                (VtpmManagerOrdinal.TpmNvDefineSpace, WireFormat.ToBytes(default(VtpmNvDefineSpaceRequest))),
                (VtpmManagerOrdinal.TpmNvWriteValue, WireFormat.ToBytes(default(VtpmNvWriteValueRequest))),
                (VtpmManagerOrdinal.TpmNvReadValue, WireFormat.ToBytes(default(VtpmNvReadValueRequest))),
                (VtpmManagerOrdinal.GroupIdentity, new byte[24]),
            ])
            Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<VtpmManagerException>(() => administrator.Manage(ordinal, parameters)).Result);
    }

    [Fact]
    public void PcrReadAndExtend_WithoutASha1Bank_AreDisabled()
    {
        _machine.Raw.Allocate(Sha256Bank);
        _machine.PowerCycle();
        using ManagerRig rig = _machine.Manager();
        Assert.Empty(rig.Manager.Hardware.Pcrs);
        using VtpmManagerClient administrator = rig.Administrator();
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => administrator.Hardware.PcrRead(0)).Result);
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => administrator.Hardware.Extend(9, default)).Result);
        Assert.Equal(16, administrator.Hardware.GetRandom(16).Length);
    }

    [Theory]
    [InlineData("00c10000000a00000046")]
    [InlineData("00c10000000f000000460000001000")]
    [InlineData("00c10000000a00000015")]
    [InlineData("00c10000000e0000001400000009")]
    public void PassedCommands_ThatAreMalformed_AreBadParamSize(string request)
    {
        using ManagerRig rig = _machine.Manager(provision: false);
        byte[] response = new byte[4096];
        int length = rig.Manager.Service.Handle(ManagerLink.ToAdministrator(), Convert.FromHexString(request), response);
        Assert.Equal("00c40000000a00000019", Convert.ToHexStringLower(response[..length]));
    }

    [Fact]
    public void Group_HasAnAuthorityAndNoIdentity()
    {
        using ManagerRig rig = _machine.Manager();
        using RSA authority = RSA.Create(2048);
        byte[] modulus = authority.ExportParameters(false).Modulus!;
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmGroupNewResponse group = administrator.Manage<VtpmGroupNewRequest, VtpmGroupNewResponse>(
            VtpmManagerOrdinal.GroupNew, new VtpmGroupNewRequest { SaaModulus = modulus });
        Assert.DoesNotContain(group.AikModulus.ToArray(), b => b != 0);
        Assert.DoesNotContain(group.IdentityBinding.ToArray(), b => b != 0);
        VtpmGroupShowResponse shown =
            administrator.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, new VtpmGroupRequest { Group = 1 });
        Assert.Equal(group.GroupUuid, shown.GroupUuid);
        Assert.Equal(modulus, shown.SaaModulus.ToArray());
        Assert.Equal(TpmResult.Fail, Assert.Throws<VtpmManagerException>(() => administrator.Manage(VtpmManagerOrdinal.GroupActivate, [0, 0, 0, 1, 0, 0, 0, 1, 0])).Result);
        Assert.Contains(rig.Log, line => line.Contains("GroupActivate: the hardware is a TPM 2.0", StringComparison.Ordinal));
    }

    [Fact]
    public void Quote_IsRefusedWithTheReason()
    {
        using ManagerRig rig = _machine.Manager();
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        vtpm.SaveHashKey(new byte[52]);
        var request = new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) };
        Assert.Equal(TpmResult.Fail, Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(request)).Result);
        Assert.Contains(rig.Log, line => line.Contains("deep quotes need a TPM 1.2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0x000001u)]
    [InlineData(0x0E00FFu)]
    public void Platform_OfPresentPcrs_IsToldToEveryVtpm(uint mask)
    {
        using ManagerRig rig = _machine.Manager();
        byte[] values = [.. PcrList.Pcrs(mask).SelectMany(pcr => _machine.Raw.PcrRead(Sha256Bank, pcr))];
        foreach (ManagerLink link in (ManagerLink[])[ManagerLink.ToAdministrator(), ManagerLink.ToVtpm(First, "x")])
        {
            using var manager = new VtpmManagement(rig.Connect(link));
            VtpmManagerPlatformResponse platform = manager.ManagerPlatform(PcrList.ToSelection(mask));
            Assert.Equal((VtpmManagerPlatformResponse.Tpm20, Sha256Bank, new TpmDigest(SHA1.HashData(values))), (platform.Family, platform.Bank, platform.Composite));
        }

        using var other = new VtpmManagement(rig.Connect(ManagerLink.ToVtpm(First, "x")));
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => other.ManagerInfo()).Result);
        Assert.Equal(TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => other.ManagerPlatform(new TpmPcrSelection { PcrSelect = new byte[] { 0, 0, 0, 1 } })).Result);
    }

    [Fact]
    public void Platform_OnATpm12_IsTheCompositeHash()
    {
        using var rig = new ManagerRig(Client.Tests.Support.HardwareKind.Engine);
        using var manager = new VtpmManagement(rig.Connect(ManagerLink.ToAdministrator()));
        VtpmManagerPlatformResponse platform = manager.ManagerPlatform(PcrList.ToSelection(1));
        byte[] composite = [0, 3, 1, 0, 0, 0, 0, 0, 20, .. new byte[20]];
        Assert.Equal((VtpmManagerPlatformResponse.Tpm12, Sha1Bank, new TpmDigest(SHA1.HashData(composite))), (platform.Family, platform.Bank, platform.Composite));
    }

    [Fact]
    public void OlderImage_PutBack_IsRefusedAndSaysHowToAcceptIt()
    {
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains("older copies of the image are refused", StringComparison.Ordinal));
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(new byte[52]);
        byte[] old = [.. rig.Image];
        _machine.PowerCycle();
        rig.Restart();
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) Assert.Equal(52, vtpm.LoadHashKey(new byte[64]));
        byte[] newest = [.. rig.Image];
        rig.Manager.Dispose();

        old.CopyTo(rig.Image, 0);
        Assert.Contains("an older image was put back", Assert.Throws<ManagerException>(() => rig.Restart()).Message, StringComparison.Ordinal);
        Assert.Equal(old, rig.Image);
        newest.CopyTo(rig.Image, 0);
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Guest_OfAVtpmOnATpm20_OwnsSealsAndFindsItAgain()
    {
        using ManagerRig rig = _machine.Manager();
        using var guest = new Guest(rig, First);
        TpmPubKey endorsementKey = guest.TakeOwnership();
        _machine.PowerCycle();
        guest.RestartManager();
        guest.RestartVtpm();
        using TpmSession owner = guest.Owner();
        Assert.Equal(endorsementKey.PubKey.Key.ToArray(), guest.Tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner).PubKey.Key.ToArray());
    }
}
