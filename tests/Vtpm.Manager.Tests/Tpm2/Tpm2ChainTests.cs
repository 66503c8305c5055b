using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>The manager on a TPM 2.0, from one start to the next.</summary>
public sealed class Tpm2ChainTests : IDisposable
{
    private const uint Mask = ProvisioningOptions.DefaultPcrMask;
    private const ushort Sha1Bank = 0x04;
    private const ushort Sha256Bank = 0x0B;
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private static readonly byte[] Key = [.. Enumerable.Range(1, 52).Select(i => (byte)i)];
    private readonly Tpm2Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Manager_FromABlankTpmAndABlankImage_KeepsAKeyOverARestartOfAll()
    {
        using ManagerRig rig = _machine.Manager();
        Assert.StartsWith("2.0.", rig.Manager.Hardware.ChipVersion, StringComparison.Ordinal);
        Assert.Equal("IBM", rig.Manager.Hardware.Vendor);
        Assert.Equal(24, rig.Manager.Hardware.Pcrs.Count);
        Assert.False(rig.Manager.Hardware.TookOwnership);
        Save(rig, Key);

        _machine.PowerCycle();
        rig.Restart();

        Assert.True(rig.Manager.IsProvisioned);
        Assert.Equal("0-7,17-19", rig.Manager.SealedTo);
        Assert.Equal(Key, Load(rig));
    }

    [Fact]
    public void Start_WithOtherPcrs_RefusesAndSaysWhyAndLeavesTheImage()
    {
        using ManagerRig rig = _machine.Manager();
        Save(rig, Key);
        byte[] before = [.. rig.Image];
        _machine.Raw.PcrExtend(Sha256Bank, 4, new byte[32]);

        string message = Assert.Throws<ManagerException>(() => rig.Restart()).Message;

        Assert.Contains("PCRs 0-7,17-19 have the composite hash", message, StringComparison.Ordinal);
        Assert.Contains("Choices: start the machine in a configuration that was approved", message, StringComparison.Ordinal);
        Assert.Equal(before, rig.Image);
        _machine.PowerCycle();
        rig.Restart();
        Assert.Equal(Key, Load(rig));
    }

    [Fact]
    public void Start_WithOtherPcrsOfABankThatIsNotSealedTo_Opens()
    {
        using ManagerRig rig = _machine.Manager();
        Save(rig, Key);
        _machine.Raw.PcrExtend(Sha1Bank, 4, new byte[20]);
        rig.Restart();
        Assert.Equal(Key, Load(rig));
    }

    [Fact]
    public void Start_WithAnotherTpm_RefusesAndSaysWhy()
    {
        using ManagerRig rig = _machine.Manager();
        using var other = new Tpm2Machine();
        string message = Assert.Throws<ManagerException>(() => other.Manager(rig.Image, provision: false)).Message;
        Assert.Contains("sealed by another TPM or under another storage key", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_AfterTheTpmWasCleared_RefusesAndSaysWhy()
    {
        using ManagerRig rig = _machine.Manager();
        _machine.Raw.Clear();
        Assert.Contains("the storage hierarchy was cleared since", Assert.Throws<ManagerException>(() => rig.Restart()).Message, StringComparison.Ordinal);
    }

    /// <summary>What an authority elsewhere works out for a platform that is not there yet.</summary>
    [Fact]
    public void Platform_ApprovedBeforeItIsThere_OpensTheImage()
    {
        using ManagerRig rig = _machine.Manager();
        Save(rig, Key);
        byte[] measured = SHA256.HashData("the next kernel"u8);
        byte[][] values = [.. PcrList.Pcrs(Mask).Select(pcr => _machine.Raw.PcrRead(Sha256Bank, pcr))];
        values[4] = SHA256.HashData((byte[])[.. values[4], .. measured]);
        var next = new TpmDigest(SHA1.HashData(values.SelectMany(value => value).ToArray()));
        Assert.NotEqual(next, rig.Manager.Service.Hardware.ReadComposite(Mask));
        Approve(rig, next);
        Assert.Throws<ManagerException>(() => rig.Restart());

        _machine.PowerCycle();
        _machine.Raw.PcrExtend(Sha256Bank, 4, measured);
        rig.Restart();

        Assert.Equal(next, rig.Manager.Service.Hardware.ReadComposite(Mask));
        Assert.Equal(Key, Load(rig));
    }

    [Fact]
    public void Composite_OfPcrs_IsTheSha1OfTheirValues()
    {
        using IHardwareTpm hardware = _machine.Hardware();
        _machine.Raw.PcrExtend(Sha256Bank, 0, SHA256.HashData("x"u8));
        foreach (uint mask in (uint[])[1, 0x800000, 0x0E00FF, 0xFFFFFF])
        {
            byte[] values = [.. PcrList.Pcrs(mask).SelectMany(pcr => _machine.Raw.PcrRead(Sha256Bank, pcr))];
            Assert.Equal(new TpmDigest(SHA1.HashData(values)), hardware.ReadComposite(mask));
        }
    }

    [Fact]
    public void Start_WithoutTheSha256Bank_SealsToTheBankThatThereIs()
    {
        _machine.Raw.Allocate(Sha1Bank);
        _machine.PowerCycle();
        using ManagerRig rig = _machine.Manager();
        Assert.Contains(rig.Log, line => line.Contains("PCRs of the bank TPM_ALG_Sha1", StringComparison.Ordinal));
        Save(rig, Key);
        rig.Restart();
        Assert.Equal(Key, Load(rig));
        _machine.Raw.PcrExtend(Sha1Bank, 4, new byte[20]);
        Assert.Throws<ManagerException>(() => rig.Restart());
    }

    [Fact]
    public void Start_AfterItsBankWasSwitchedOff_RefusesAndSaysWhich()
    {
        using ManagerRig rig = _machine.Manager();
        _machine.Raw.Allocate(Sha1Bank);
        _machine.PowerCycle();
        string message = Assert.Throws<ManagerException>(() => rig.Restart()).Message;
        Assert.Contains("of the bank TPM_ALG_Sha256, which is not active", message, StringComparison.Ordinal);
        _machine.Raw.Allocate(Sha1Bank, Sha256Bank);
        _machine.PowerCycle();
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Image_SealedAtOneLocality_DoesNotOpenAtAnother()
    {
        using ManagerRig rig = _machine.Manager(with: options => options with { Locality = 2 });
        Assert.Contains("sealed at another locality", Assert.Throws<ManagerException>(() => rig.Restart()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Image_OfATpm12_IsRefusedByATpm20AndTheOtherWayRound()
    {
        using (var rig = new ManagerRig(HardwareKind.Engine))
        {
            byte[] before = [.. rig.Image];
            string message = Assert.Throws<ManagerException>(() => _machine.Manager(rig.Image, provision: false)).Message;
            Assert.Contains("it was sealed by a TPM 1.2", message, StringComparison.Ordinal);
            Assert.Equal(before, rig.Image);
        }

        using ManagerRig two = _machine.Manager();
        using TestHardware one = ManagerRig.CreateOwned(HardwareKind.Engine);
        string other = Assert.Throws<ManagerException>(() => new ManagerRig(one, two.Image, provision: false)).Message;
        Assert.Contains("it was sealed by a TPM 2.0", other, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_ThatIsToldSo_ReplacesAnImageThatDoesNotOpen()
    {
        using ManagerRig rig = _machine.Manager();
        Save(rig, Key);
        _machine.Raw.Clear();
        rig.Restart(options => Tpm2Machine.Options(options) with { CreateFresh = true });
        Assert.Contains(rig.Log, line => line.Contains("A FRESH IMAGE TAKES ITS PLACE", StringComparison.Ordinal));
        rig.Provision();
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Everything_AManagerDoes_LeavesNothingLoaded()
    {
        using (ManagerRig rig = _machine.Manager())
        {
            Save(rig, Key);
            for (int i = 0; i < 10; i++) rig.Restart();
        }

        foreach (uint range in (uint[])[TpmRh.TransientFirst, TpmRh.LoadedSessionFirst, TpmRh.SavedSessionFirst]) Assert.Empty(_machine.Raw.Handles(range));
    }

    private static void Approve(ManagerRig rig, TpmDigest platform)
    {
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(rig.KeyPath));
        using VtpmManagerClient administrator = rig.Administrator();
        VtpmConfigList config = administrator.Manage<VtpmGroupRequest, VtpmGroupShowResponse>(VtpmManagerOrdinal.GroupShow, default).Config;
        byte[] file = SignedConfiguration.Create(key, config.Sequence + 1, [new PlatformConfiguration(Mask, platform)], config.Kernels);
        administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. file]);
    }

    private static void Save(ManagerRig rig, byte[] key)
    {
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        vtpm.SaveHashKey(key);
    }

    private static byte[] Load(ManagerRig rig)
    {
        using VtpmManagerClient vtpm = rig.Vtpm(First);
        byte[] loaded = new byte[64];
        return loaded[..vtpm.LoadHashKey(loaded)];
    }
}
