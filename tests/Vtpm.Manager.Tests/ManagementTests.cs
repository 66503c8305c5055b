using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>The administrator's client, against a manager and against peers that are none.</summary>
public sealed class ManagementTests : IDisposable
{
    private static readonly Lazy<RSAParameters> Authority = new(() => RSA.Create(2048).ExportParameters(includePrivateParameters: true));
    private readonly ManagerRig _rig = new(HardwareKind.Engine);
    private readonly VtpmManagement _manager;
    private readonly RSA _authority = RSA.Create(Authority.Value);

    public ManagementTests() => _manager = new VtpmManagement(_rig.Connect(ManagerLink.ToAdministrator()));

    public void Dispose()
    {
        _manager.Dispose();
        _authority.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public void Groups_FromTheirMakingToTheirEnd_AreManaged()
    {
        VtpmGroupNewResponse made = _manager.NewGroup(Authority.Value.Modulus);
        Assert.Equal(2u, _manager.CountGroups());
        Assert.Equal(1u, _manager.FindGroup(made.GroupUuid));
        Assert.Null(_manager.FindGroup(Guid.NewGuid()));
        _manager.UpdateGroup(1, ApprovedList.Parse(5, ["1=" + Composite(), "label:x"]).SignOriginalForm(_authority));
        VtpmGroupShowResponse shown = _manager.ShowGroup(1);
        Assert.Equal((made.GroupUuid, 5ul), (shown.GroupUuid, shown.Config.Sequence));
        Assert.Equal(TpmDigest.Of("x"u8), Assert.Single(shown.Config.Kernels));
        Guid uuid = Guid.NewGuid();
        Assert.Equal(uuid, _manager.NewVtpm(1, uuid));
        Assert.Equal([uuid, _manager.NewVtpm(1)], _manager.ListVtpms(1));
        _manager.DeleteVtpm(uuid);
        Assert.Single(_manager.ListVtpms(1));
        _manager.DeleteGroup(1);
        Assert.Equal(1u, _manager.CountGroups());
    }

    [Fact]
    public void ListVtpms_OfMoreThanAMessageHolds_HasAllOfThem()
    {
        Guid[] uuids = [.. Enumerable.Range(0, 600).Select(_ => Guid.NewGuid())];
        ManagerGroup group = _rig.Manager.Service.Image.Groups[0];
        foreach (Guid uuid in uuids) group.AddVtpm(uuid, ManagerVtpmFlags.None);
        Assert.Equal(TpmResult.Success, _rig.Manager.Service.Save("test"));
        Assert.Equal(uuids, _manager.ListVtpms(0));
    }

    [Fact]
    public void UpdateGroup_WithAListLongerThanAMessage_SendsItInPartsAndReadsItInPages()
    {
        _manager.NewGroup(Authority.Value.Modulus);
        string[] platforms = [.. Enumerable.Range(0, 200).Select(i => $"{i + 1:x}=" + Convert.ToHexStringLower(SHA1.HashData([(byte)i])))];
        string[] kernels = [.. Enumerable.Range(0, 400).Select(i => Convert.ToHexStringLower(SHA1.HashData([1, (byte)i, (byte)(i >> 8)])))];
        _manager.UpdateGroup(1, ApprovedList.Parse(5, [.. platforms, .. kernels]).Sign(_authority));
        VtpmGroupInfoResponse info = _manager.GroupInfo(1);
        Assert.Equal(5ul, info.ConfigurationSequence);
        Assert.Equal(platforms.Select(platform => platform.PadLeft(47, '0')), info.Platforms.Select(PlatformText.Argument));
        Assert.Equal(kernels, info.Kernels.Select(kernel => kernel.ToString()));
    }

    [Fact]
    public void Refusals_SayWhatToDo()
    {
        AssertSays("vtpm manage list", () => _manager.ShowGroup(7));
        AssertSays("uuid is taken", () => _manager.NewVtpm(0, _manager.NewVtpm(0)));
        AssertSays("no vTPM of this uuid", () => _manager.DeleteVtpm(Guid.NewGuid()));
        AssertSays("group 0 cannot be deleted", () => _manager.DeleteGroup(0));
        AssertSays("no signed configuration", () => _manager.UpdateGroup(0, new byte[300]));
        AssertSays("has not signed this", () => _manager.UpdateGroup(0, ApprovedList.Parse(5, ["1=" + Composite()]).SignOriginalForm(_authority)));
        AssertSays("RSA-2048 modulus", () => _manager.NewGroup(new byte[256]));
        using var nobody = new VtpmManagement(_rig.Connect(ManagerLink.ToVtpm(_manager.NewVtpm(0), "x:vtpm:socket")));
        AssertSays("no administrator", () => nobody.CountGroups());
    }

    [Fact]
    public void HardwarePcrs_ByEveryWay_AreTheHardwares()
    {
        using ITpmConnection hardware = _rig.Hardware.Connect();
        using (var tpm = new TpmClient(hardware, ownsConnection: false)) tpm.Extend(3, TpmDigest.Of("measured"u8));
        TpmDigest extended = TpmDigest.Of([.. new byte[20], .. SHA1.HashData("measured"u8)]);
        using var guest = new Guest(_rig, Guid.NewGuid());
        guest.Tpm.Extend(3, TpmDigest.Of("the guest's own"u8));
        using ITpmConnection manager = _rig.Connect(ManagerLink.ToAdministrator()), through = guest.Open();
        foreach (TpmDigest[] values in (TpmDigest[][])[HardwarePcrs.Read(manager), HardwarePcrs.ReadBelow(hardware), HardwarePcrs.ReadBelow(through)])
        {
            Assert.Equal(24, values.Length);
            Assert.Equal(extended, values[3]);
            Assert.Equal(default, values[4]);
        }
    }

    [Theory]
    [InlineData("01C40000000E00000000FFFFFFFF")]
    [InlineData("01C40000000A00000000")]
    [InlineData("00C40000000E0000000000000001")]
    public void CountGroups_OfAPeerThatMakesNoSense_IsAProtocolError(string response)
    {
        using var manager = new VtpmManagement(Answering(response));
        Assert.Throws<TpmProtocolException>(() => manager.CountGroups());
    }

    /// <summary>A manager of Xen's answers a refusal with the request's tag and three; a TPM, with its own.</summary>
    [Theory]
    [InlineData("01C50000000A00000001", TpmResult.AuthFail)]
    [InlineData("00C40000000A0000001E", TpmResult.BadTag)]
    public void CountGroups_RefusedWithAnotherTag_IsRefused(string response, TpmResult result)
    {
        using var manager = new VtpmManagement(Answering(response));
        Assert.Equal(result, Assert.Throws<VtpmManagerException>(() => manager.CountGroups()).Result);
    }

    [Fact]
    public void ListVtpms_OfAPeerThatNeverEnds_Ends()
    {
        // One vTPM in each page, and more than there can be in the total.
        using var manager = new VtpmManagement(Answering("01C40000001E00000000FFFFFFFF" + new string('1', 32)));
        Assert.Throws<TpmProtocolException>(() => manager.ListVtpms(0));
        using var empty = new VtpmManagement(Answering("01C40000000E0000000000000005"));
        Assert.Empty(empty.ListVtpms(0));
    }

    private static ITpmConnection Answering(string response) => new InMemoryTpm((_, _, buffer) =>
    {
        byte[] bytes = Convert.FromHexString(response);
        bytes.CopyTo(buffer);
        return bytes.Length;
    }).Connect();

    private string Composite() => _rig.Manager.Service.Hardware.ReadComposite(1).ToString();

    private static void AssertSays(string text, Action command) =>
        Assert.Contains(text, Assert.Throws<VtpmManagerException>(command).Message, StringComparison.Ordinal);
}
