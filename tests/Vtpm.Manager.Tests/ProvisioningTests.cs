using System.Runtime.Versioning;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

[UnsupportedOSPlatform("windows")]
public sealed class ProvisioningTests : IDisposable
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-provisioning-");
    private readonly ManagerRig _rig = new(HardwareKind.Engine, provision: false);

    private string KeyPath => Path.Combine(_directory.FullName, "approval.pem");

    public void Dispose()
    {
        _rig.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public void Provision_MakesAKeyForItsOwnerAloneAndSaysWhere()
    {
        ProvisioningResult result = _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath });
        Assert.Equal(new ProvisioningResult(true, KeyPath, true), result);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        Assert.Contains(_rig.Log, line => line.Contains(KeyPath, StringComparison.Ordinal));
        Assert.Equal([KeyPath], Directory.GetFiles(_directory.FullName));
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(KeyPath));
        using VtpmManagerClient administrator = _rig.Administrator();
        VtpmGroupShowResponse group = administrator.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, default);
        Assert.Equal(key.ExportParameters(false).Modulus, group.SaaModulus.ToArray());
        Assert.Equal(TpmDigest.Of("*:vtpm:socket"u8), Assert.Single(group.Config.Kernels));
    }

    [Fact]
    public void Provision_WithAKeyThatIsThere_TakesIt()
    {
        using RSA key = RSA.Create(2048);
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
        Assert.Equal(new ProvisioningResult(true, KeyPath, false), _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath }));
    }

    [Fact]
    public void ForAnAuthorityElsewhere_ThePresentPcrsOpenTheImageUntilThatOneSignsOthers()
    {
        using RSA key = RSA.Create(2048);
        AuthorityOptions options = new() { Modulus = AuthorityModulus.Of(key), Labels = ["*:vtpm:xen"] };
        Assert.True(_rig.Manager.ProvisionFor(options));
        Assert.Empty(Directory.GetFiles(_directory.FullName));
        using (VtpmManagerClient vtpm = _rig.Vtpm(Uuid, VtpmLabel.OnXen(Uuid))) vtpm.SaveHashKey(new byte[52]);

        _rig.Restart();
        Assert.True(_rig.Manager.IsProvisioned);
        Assert.False(_rig.Manager.ProvisionFor(options));
        using VtpmManagerClient administrator = _rig.Administrator();
        VtpmGroupShowResponse group = administrator.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, default);
        Assert.Equal(AuthorityModulus.Of(key), group.SaaModulus.ToArray());
        Assert.Equal(0UL, group.Config.Sequence);
        Assert.Equal(TpmDigest.Of("*:vtpm:xen"u8), Assert.Single(group.Config.Kernels));

        var present = new PlatformConfiguration(1, _rig.Manager.Service.Hardware.ReadComposite(1));
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. SignedConfiguration.Create(key, 1, [present], [])]);
        Assert.Equal("0", _rig.Manager.SealedTo);
    }

    [Fact]
    public void ForAnAuthorityElsewhere_AnImageOfAnotherOne_IsRefused()
    {
        using RSA key = RSA.Create(2048);
        using RSA other = RSA.Create(2048);
        _rig.Manager.ProvisionFor(new AuthorityOptions { Modulus = AuthorityModulus.Of(key) });
        ulong saves = _rig.Manager.Service.Image.Sequence;

        ManagerException refusal = Assert.Throws<ManagerException>(() => _rig.Manager.ProvisionFor(new AuthorityOptions { Modulus = AuthorityModulus.Of(other) }));
        Assert.Contains("another authority", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(saves, _rig.Manager.Service.Image.Sequence);
    }

    [Fact]
    public void ForAnAuthorityElsewhere_WithoutADisk_NothingIsProvisioned()
    {
        using RSA key = RSA.Create(2048);
        _rig.Restart(options => options with { Image = new FailingStore(options.Image!) { Fails = true } });
        Assert.Throws<ManagerException>(() => _rig.Manager.ProvisionFor(new AuthorityOptions { Modulus = AuthorityModulus.Of(key) }));
        Assert.False(_rig.Manager.IsProvisioned);
    }

    [Theory]
    [InlineData("not a key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    public void Provision_WithSomethingElseInTheFile_RefusesAndLeavesIt(string content)
    {
        File.WriteAllText(KeyPath, content);
        Assert.Contains(KeyPath, Assert.Throws<ManagerException>(() => _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath })).Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(KeyPath));
        Assert.False(_rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Provision_WithAKeyOfAnotherSize_Refuses()
    {
        using RSA key = RSA.Create(1024);
        File.WriteAllText(KeyPath, key.ExportPkcs8PrivateKeyPem());
        Assert.Contains("RSA-2048", Assert.Throws<ManagerException>(() => _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Provision_WhereTheKeyCannotBeWritten_Refuses()
    {
        string nowhere = Path.Combine(_directory.FullName, "nowhere", "approval.pem");
        Assert.Contains(nowhere, Assert.Throws<ManagerException>(() => _rig.Manager.Provision(new ProvisioningOptions { KeyPath = nowhere })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x01u, "0")]
    [InlineData(0xFFFFFFu, "0-23")]
    [InlineData(0x0E00FFu, "0-7,17-19")]
    [InlineData(0x000801u, "0,11")]
    public void Provision_WithAnyMask_SealsToThesePcrs(uint mask, string described)
    {
        _rig.Provision(mask);
        _rig.Restart();
        Assert.Equal(described, _rig.Manager.SealedTo);
    }

    [Fact]
    public void Provision_WithAMaskBeyondThePcrs_Refuses() =>
        Assert.Throws<ManagerException>(() => _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath, PcrMask = 1 << 24 }));

    [Fact]
    public void Provision_OnAnImageSomebodyElseGoverns_ChangesNothing()
    {
        _rig.Provision();
        byte[] before = [.. _rig.Image];
        Assert.Equal(new ProvisioningResult(false, KeyPath, false), _rig.Manager.Provision(new ProvisioningOptions { KeyPath = KeyPath }));
        Assert.Equal(before, _rig.Image);
        Assert.False(File.Exists(KeyPath));
    }

    [Fact]
    public void SignedConfiguration_HasTheFormOfTheOriginalsFile()
    {
        using RSA key = RSA.Create(2048);
        var config = new VtpmConfigList { Sequence = 0x0102030405060708, Platforms = [TpmDigest.Of("p"u8), TpmDigest.Of("q"u8)], Kernels = [TpmDigest.Of("k"u8)] };
        byte[] file = SignedConfiguration.CreateOriginal(key, config, [0x0E00FF, 0x010000]);
        byte[] list =
        [
            1, 2, 3, 4, 5, 6, 7, 8,
            0, 0, 0, 2, .. SHA1.HashData("p"u8), .. SHA1.HashData("q"u8),
            0, 0, 0, 1, .. SHA1.HashData("k"u8),
        ];
        Assert.Equal((byte[])[.. list, 0, 3, 0xFF, 0x00, 0x0E, 0, 3, 0x00, 0x00, 0x01], file[256..]);
        Assert.True(key.VerifyData(list, file[..256], HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }
}
