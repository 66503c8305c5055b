using System.Numerics;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Management: groups, their authorities and configurations, and the vTPMs in them.</summary>
public sealed class GroupTests : IDisposable
{
    private static readonly BigInteger Modp2048 =
        new(Org.BouncyCastle.Crypto.Agreement.DHStandardGroups.rfc3526_2048.P.ToByteArrayUnsigned(), isUnsigned: true, isBigEndian: true);
    private static readonly Lazy<RSAParameters> Authority = new(() => RSA.Create(2048).ExportParameters(includePrivateParameters: true));
    private readonly ManagerRig _rig = new(HardwareKind.Engine);
    private readonly VtpmManagerClient _administrator;
    private readonly RSA _authority = RSA.Create(Authority.Value);

    public GroupTests() => _administrator = _rig.Administrator();

    public void Dispose()
    {
        _administrator.Dispose();
        _authority.Dispose();
        _rig.Dispose();
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void GroupNew_GivesAnIdentityThatTheHardwareVouchesFor(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient administrator = rig.Administrator();
        TpmDigest label = TpmDigest.Of("privacy CA"u8);
        VtpmGroupNewResponse group = New(administrator, label);

        var identity = TpmKeys.Identity;
        identity.PubKey.Key = group.AikModulus;
        using RSA aik = RSA.Create(new RSAParameters { Modulus = group.AikModulus.ToArray(), Exponent = [1, 0, 1] });
        byte[] contents = WireFormat.ToBytes(new TpmIdentityContents { LabelPrivCADigest = label, IdentityPubKey = identity.ToPubKey() });
        Assert.True(aik.VerifyData(contents, group.IdentityBinding.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
        Assert.Equal(2u, Count(administrator));
        VtpmGroupShowResponse shown = Show(administrator, 1);
        Assert.Equal((group.GroupUuid, 0ul, 0, 0), (shown.GroupUuid, shown.Config.Sequence, shown.Config.Platforms.Length, shown.Config.Kernels.Length));
        Assert.Equal(_authority.ExportParameters(false).Modulus, shown.SaaModulus.ToArray());
    }

    [Theory]
    [InlineData("00")]
    [InlineData("7F")]
    public void GroupNew_WithAModulusThatIsNone_IsABadParameter(string first)
    {
        byte[] modulus = _authority.ExportParameters(false).Modulus!;
        modulus[0] = Convert.FromHexString(first)[0];
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupNew, [.. new byte[20], .. modulus]));
        Assert.Equal(1u, Count(_administrator));
    }

    [Fact]
    public void GroupUpdate_OfANewGroup_OpensItOnThesePcrsAfterARestart()
    {
        New(_administrator);
        Update(1, Config(5));
        Guid uuid = NewVtpm(1);
        using (VtpmManagerClient vtpm = _rig.Vtpm(uuid)) vtpm.SaveHashKey(new byte[52]);
        _administrator.Dispose();
        _rig.Restart();
        using VtpmManagerClient again = _rig.Vtpm(uuid);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
        using VtpmManagerClient administrator = _rig.Administrator();
        Assert.Equal(5ul, Show(administrator, 1).Config.Sequence);
    }

    [Fact]
    public void Group_OfAnotherPlatform_StaysClosedAndIsCarriedAlong()
    {
        New(_administrator);
        Guid uuid = Guid.NewGuid();
        NewVtpm(1, uuid);
        VtpmConfigList elsewhere = Config(1);
        elsewhere.Platforms = [TpmDigest.Of("another platform"u8)];
        Update(1, elsewhere);
        Assert.Contains(_rig.Log, line => line.Contains("the present PCRs are no platform of group 1", StringComparison.Ordinal));
        _rig.Restart();

        using VtpmManagerClient administrator = _rig.Administrator();
        Assert.Equal(2u, Count(administrator));
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => Show(administrator, 1)).Result);
        using (VtpmManagerClient vtpm = _rig.Vtpm(uuid))
        {
            // Neither unknown, which would make it a new one, nor in another group.
            Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => vtpm.LoadHashKey(new byte[64])).Result);
            Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => vtpm.SaveHashKey(new byte[52])).Result);
        }

        administrator.Manage(VtpmManagerOrdinal.GroupDel, [0, 0, 0, 1]);
        Assert.Equal(1u, Count(administrator));
    }

    [Fact]
    public void GroupUpdate_WithAnotherKeysSignature_IsABadSignature()
    {
        New(_administrator);
        using RSA other = RSA.Create(2048);
        byte[] file = SignedConfiguration.CreateOriginal(other, Config(1), [1]);
        Assert.Equal(TpmResult.BadSignature, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file]));
        Assert.Equal(TpmResult.BadSignature, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. file]));
    }

    [Fact]
    public void GroupUpdate_WithAnyBitOfTheListChanged_IsABadSignature()
    {
        New(_administrator);
        byte[] file = SignedConfiguration.CreateOriginal(_authority, Config(1), [1]);
        foreach (int offset in (int[])[0, 255, 256, 263, 268, 287, 292, 311])
        {
            byte[] changed = [.. file];
            changed[offset] ^= 0x40;
            Assert.Equal(TpmResult.BadSignature, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. changed]));
        }

        Assert.Equal(0ul, Show(_administrator, 1).Config.Sequence);
    }

    [Fact]
    public void GroupUpdate_WithANumberThatIsNotHigher_IsRefused()
    {
        New(_administrator);
        Update(1, Config(5));
        Assert.Equal(TpmResult.Fail, RefusedUpdate(1, Config(5)));
        Assert.Equal(TpmResult.Fail, RefusedUpdate(1, Config(4)));
        VtpmConfigList other = Config(5);
        other.Kernels = [];
        Assert.Equal(TpmResult.Fail, RefusedUpdate(1, other));
        Update(1, Config(6));
        Assert.Equal(6ul, Show(_administrator, 1).Config.Sequence);
    }

    [Fact]
    public void GroupUpdate_OfGroup0WithoutPlatform_IsRefusedAndThePresentOneStays()
    {
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(_rig.KeyPath));
        var config = new VtpmConfigList { Sequence = ulong.MaxValue, Platforms = [], Kernels = [] };
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. SignedConfiguration.CreateOriginal(key, config, [])]));
        Assert.True(_rig.Manager.IsProvisioned);
    }

    [Fact]
    public void GroupUpdate_OfGroup0ToOtherPcrs_SealsTheImageAnewWithoutTheOldOnes()
    {
        Guid uuid = Guid.NewGuid();
        using (VtpmManagerClient vtpm = _rig.Vtpm(uuid)) vtpm.SaveHashKey(new byte[52]);
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(_rig.KeyPath));
        var booted = TpmDigest.Of("the next kernel"u8);
        var after = TpmDigest.Of((byte[])[.. new byte[20], .. booted.ReadOnlySpan]);
        TpmDigest composite = WireFormat.Digest(new TpmPcrComposite { Select = TpmPcrSelection.Of(4), PcrValue = after.ReadOnlySpan.ToArray() });
        VtpmConfigList config = Show(_administrator, 0).Config;
        config.Sequence++;
        config.Platforms = [composite];
        _administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. SignedConfiguration.CreateOriginal(key, config, [1u << 4])]);

        Assert.Throws<ManagerException>(() => _rig.Restart());   // Neither root opens on the platform before.
        _rig.Hardware.PowerCycle();
        using (var tpm = new TpmClient(_rig.Hardware.Connect())) tpm.Extend(4, booted);
        _rig.Restart();
        using VtpmManagerClient again = _rig.Vtpm(uuid);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void GroupUpdate_WithoutSelectionsOrWithTooMany_IsABadParameter()
    {
        New(_administrator);
        byte[] file = SignedConfiguration.CreateOriginal(_authority, Config(1), [1]);
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file[..^5]]));
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file, 0, 3, 1, 0, 0]));
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file[..^5], 0, 5, 1, 0, 0, 0, 0]));
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file[..^5], 0, 4, 1, 0, 0, 1]));
    }

    [Fact]
    public void GroupDel_RefusesGroup0AndOneWithAnOpenVtpm()
    {
        Assert.Equal(TpmResult.Fail, Refusal(VtpmManagerOrdinal.GroupDel, [0, 0, 0, 0]));
        Assert.Equal(TpmResult.BadIndex, Refusal(VtpmManagerOrdinal.GroupDel, [0, 0, 0, 1]));
        New(_administrator);
        Update(1, Config(1));
        using (VtpmManagerClient vtpm = _rig.Vtpm(NewVtpm(1)))
        {
            vtpm.SaveHashKey(new byte[52]);
            Assert.Equal(TpmResult.Fail, Refusal(VtpmManagerOrdinal.GroupDel, [0, 0, 0, 1]));
        }

        _administrator.Manage(VtpmManagerOrdinal.GroupDel, [0, 0, 0, 1]);
        Assert.Equal(0, _rig.Manager.VtpmCount);
    }

    [Theory]
    [InlineData(VtpmManagerOrdinal.GroupShow, 4)]
    [InlineData(VtpmManagerOrdinal.VtpmList, 8)]
    [InlineData(VtpmManagerOrdinal.VtpmNew, 4)]
    public void GroupCommands_WithAnIndexOutOfRange_AreBadIndex(VtpmManagerOrdinal ordinal, int length)
    {
        foreach (byte index in (byte[])[1, 255]) Assert.Equal(TpmResult.BadIndex, Refusal(ordinal, [0, 0, 0, index, .. new byte[length - 4]]));
        Assert.Equal(TpmResult.BadIndex, Refusal(ordinal, [0x80, 0, 0, 0, .. new byte[length - 4]]));
    }

    [Fact]
    public void VtpmList_OfManyVtpms_GivesThemPageByPage()
    {
        Guid[] uuids = [.. Enumerable.Range(0, 600).Select(_ => Guid.NewGuid())];
        ManagerGroup group = _rig.Manager.Service.Image.Groups[0];
        foreach (Guid uuid in uuids) group.AddVtpm(uuid, ManagerVtpmFlags.None);
        Assert.Equal(TpmResult.Success, _rig.Manager.Service.Save("test"));
        var listed = new List<Guid>();
        var pages = new List<int>();
        while (true)
        {
            VtpmListResponse page = _administrator.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, new VtpmListRequest { Offset = (uint)listed.Count });
            Assert.Equal(600u, page.Total);
            if (page.Uuids.Length == 0) break;
            listed.AddRange(page.Uuids);
            pages.Add(page.Uuids.Length);
        }

        Assert.Equal(uuids, listed);
        Assert.Equal([254, 254, 92], pages);
        Assert.Empty(_administrator.Manage<VtpmListRequest, VtpmListResponse>(VtpmManagerOrdinal.VtpmList, new VtpmListRequest { Offset = uint.MaxValue }).Uuids);
    }

    [Fact]
    public void VtpmNew_OfATakenUuid_IsABadParameter()
    {
        Guid uuid = NewVtpm(0);
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.VtpmNew, [0, 0, 0, 0, .. uuid.ToByteArray(bigEndian: true)]));
        Assert.Equal(1, _rig.Manager.VtpmCount);
    }

    [Fact]
    public void VtpmNew_HasKeyDataOfZerosAndNoRights()
    {
        using VtpmManagerClient vtpm = _rig.Vtpm(NewVtpm(0));
        byte[] key = new byte[64];
        Assert.Equal(52, vtpm.LoadHashKey(key));
        Assert.DoesNotContain(key, b => b != 0);
        Assert.Equal(TpmResult.AuthFail, Assert.Throws<VtpmManagerException>(() => Count(vtpm)).Result);
    }

    [Fact]
    public void VtpmDel_OfAnOpenVtpm_FailsAndOfAClosedOneForgetsIt()
    {
        Guid uuid = NewVtpm(0);
        byte[] name = uuid.ToByteArray(bigEndian: true);
        using (VtpmManagerClient vtpm = _rig.Vtpm(uuid))
        {
            vtpm.SaveHashKey(new byte[52]);
            Assert.Equal(TpmResult.Fail, Refusal(VtpmManagerOrdinal.VtpmDel, name));
        }

        _administrator.Manage(VtpmManagerOrdinal.VtpmDel, name);
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.VtpmDel, name));
        using VtpmManagerClient again = _rig.Vtpm(uuid);
        Assert.Equal(0, again.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void GroupActivate_OfABlobForItsIdentity_ReleasesTheKeyInIt()
    {
        VtpmGroupNewResponse group = New(_administrator);
        var identity = TpmKeys.Identity;
        identity.PubKey.Key = group.AikModulus;
        var key = new TpmSymmetricKey { AlgId = TpmAlgorithmId.Aes128, EncScheme = TpmEncScheme.SymCtr, Data = RandomNumberGenerator.GetBytes(16) };
        byte[] contents = WireFormat.ToBytes(new TpmAsymCAContents { SessionKey = key, IdDigest = WireFormat.Digest(identity.ToPubKey()) });
        TpmPubKey ek = new() { AlgorithmParms = TpmKeys.EndorsementKey };
        ek.PubKey.Key = _rig.Manager.Hardware.EndorsementKey;
        byte[] blob = Oaep.Encrypt(ek.PubKey.Key.ToArray(), contents);

        TpmSymmetricKey released = _administrator.Manage<VtpmGroupActivateRequest, TpmSymmetricKey>(
            VtpmManagerOrdinal.GroupActivate, new VtpmGroupActivateRequest { Group = 1, Blob = blob });

        Assert.Equal(key.Data.ToArray(), released.Data.ToArray());
        Assert.Throws<VtpmManagerException>(() => _administrator.Manage<VtpmGroupActivateRequest, TpmSymmetricKey>(
            VtpmManagerOrdinal.GroupActivate, new VtpmGroupActivateRequest { Group = 0, Blob = blob }));
        Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupActivate, WireFormat.ToBytes(new VtpmGroupActivateRequest { Group = 0, Blob = new byte[4000] })));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void GroupRegister_InTheLifeThatMadeTheGroup_GivesItsKeysToTheAuthority(HardwareKind kind)
    {
        using var rig = new ManagerRig(kind);
        using VtpmManagerClient administrator = rig.Administrator();
        New(administrator);
        ManagerGroup group = rig.Manager.Service.Image.Groups[1];
        BigInteger secret = new(RandomNumberGenerator.GetBytes(255), isUnsigned: true);
        byte[] dhkx1 = Bytes(BigInteger.ModPow(2, secret, Modp2048));
        VtpmGroupRegisterRequest request = Registration(dhkx1);

        VtpmGroupRegisterResponse response =
            administrator.Manage<VtpmGroupRegisterRequest, VtpmGroupRegisterResponse>(VtpmManagerOrdinal.GroupRegister, request);

        byte[] key = SHA256.HashData(Bytes(BigInteger.ModPow(new(response.Dhkx2.Span, isUnsigned: true, isBigEndian: true), secret, Modp2048)));
        byte[] expected = [.. group.GroupKey, .. group.RollbackMacKey];
        Assert.Equal(expected, response.RecoverBlob.ToArray().Zip(key, (a, b) => (byte)(a ^ b)).ToArray());
        byte[] inner = SHA1.HashData((byte[])[.. "REGR"u8, .. dhkx1, .. response.Dhkx2.Span, .. response.RecoverBlob.Span]);
        byte[] composite = SHA1.HashData((byte[])[0, 3, 1, 0, 0, 0, 0, 0, 20, .. administrator.Hardware.PcrRead(0).ReadOnlySpan]);
        using RSA aik = RSA.Create(new RSAParameters { Modulus = group.AikPublic.ToArray(), Exponent = [1, 0, 1] });
        byte[] quoted = [1, 1, 0, 0, .. "QUOT"u8, .. composite, .. SHA1.HashData((byte[])[0, 0, 0, 0, .. inner])];
        Assert.True(aik.VerifyData(quoted, response.Quote.Span, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void GroupRegister_AfterARestart_IsRefused()
    {
        New(_administrator);
        Update(1, Config(1));
        byte[] registration = WireFormat.ToBytes(Registration(Bytes(4)));
        _administrator.Dispose();
        _rig.Restart();
        using VtpmManagerClient administrator = _rig.Administrator();
        Assert.Equal(TpmResult.Fail, Assert.Throws<VtpmManagerException>(() => administrator.Manage(VtpmManagerOrdinal.GroupRegister, registration)).Result);
    }

    [Fact]
    public void GroupRegister_WithAValueThatAgreesOnNoSecret_IsABadParameter()
    {
        New(_administrator);
        foreach (BigInteger value in (BigInteger[])[0, 1, Modp2048 - 1, Modp2048, Modp2048 + 1])
            Assert.Equal(TpmResult.BadParameter, Refusal(VtpmManagerOrdinal.GroupRegister, WireFormat.ToBytes(Registration(Bytes(value)))));
    }

    [Fact]
    public void GroupRegister_WithAnotherKeysSignature_IsABadSignature()
    {
        New(_administrator);
        VtpmGroupRegisterRequest request = Registration(Bytes(4));
        request.Dhkx1 = Bytes(5);
        Assert.Equal(TpmResult.BadSignature, Refusal(VtpmManagerOrdinal.GroupRegister, WireFormat.ToBytes(request)));
    }

    private static byte[] Bytes(BigInteger number)
    {
        byte[] bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[256 - bytes.Length], .. bytes];
    }

    private VtpmGroupRegisterRequest Registration(byte[] dhkx1) => new()
    {
        Group = 1,
        Dhkx1 = dhkx1,
        Signature = _authority.SignData(dhkx1, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1),
        PcrSelection = TpmPcrSelection.Of(0),
    };

    private static uint Count(VtpmManagerClient client) =>
        client.Manage<NoParameters, VtpmGroupListResponse>(VtpmManagerOrdinal.GroupList, default).Count;

    private static VtpmGroupShowResponse Show(VtpmManagerClient client, uint group) =>
        client.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, new VtpmGroupRequest { Group = group });

    private VtpmGroupNewResponse New(VtpmManagerClient client, TpmDigest label = default) => client.Manage<VtpmGroupNewRequest, VtpmGroupNewResponse>(
        VtpmManagerOrdinal.GroupNew, new VtpmGroupNewRequest { LabelDigest = label, SaaModulus = _authority.ExportParameters(false).Modulus });

    private Guid NewVtpm(uint group, Guid? uuid = null) =>
        _administrator.Manage<VtpmNewRequest, VtpmUuid>(VtpmManagerOrdinal.VtpmNew, new VtpmNewRequest { Group = group, Uuid = uuid }).Uuid;

    /// <summary>The present value of PCR 0, and every vTPM on a socket.</summary>
    private VtpmConfigList Config(ulong sequence) => new()
    {
        Sequence = sequence,
        Platforms = [_rig.Manager.Service.Hardware.ReadComposite(1)],
        Kernels = [ManagerLink.Hash(VtpmLabel.AnyOnSocket)],
    };

    private void Update(byte group, VtpmConfigList config) =>
        _administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, group, .. SignedConfiguration.CreateOriginal(_authority, config, [.. config.Platforms.Select(_ => 1u)])]);

    private TpmResult RefusedUpdate(byte group, VtpmConfigList config) => Assert.Throws<VtpmManagerException>(() => Update(group, config)).Result;

    private TpmResult Refusal(VtpmManagerOrdinal ordinal, byte[] parameters) =>
        Assert.Throws<VtpmManagerException>(() => _administrator.Manage(ordinal, parameters)).Result;
}
