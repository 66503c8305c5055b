using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Signed configurations in both forms, whole and in parts.</summary>
public sealed class SignedConfigurationTests : IDisposable
{
    private const int Pcr = 8;
    private readonly ManagerRig _rig = new(HardwareKind.Engine);
    private readonly VtpmManagerClient _administrator;
    private readonly TestAuthority _authority = new();
    private readonly Guid _group;

    public SignedConfigurationTests()
    {
        _administrator = _rig.Administrator();
        _group = _authority.NewGroup(_administrator).GroupUuid;
    }

    public void Dispose()
    {
        _administrator.Dispose();
        _authority.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public void OurForm_MadeByHandAndByTheLibrary_IsTheSameAndIsAccepted()
    {
        var value = TpmDigest.Of("kernel"u8);
        TpmDigest[] kernels = [TpmDigest.Of("a"u8), TpmDigest.Of("b"u8)];
        byte[] byHand = _authority.Approve(7, Pcr, value, _group, kernels);
        Assert.Equal(byHand, SignedConfiguration.Create(_authority.Key, 7, [new PlatformConfiguration(1 << Pcr, TestAuthority.Composite(Pcr, value))], kernels, _group));
        Update(byHand);
        VtpmGroupInfoResponse info = Info();
        Assert.Equal((7ul, 1u, 2u), (info.ConfigurationSequence, info.PlatformCount, info.KernelCount));
        Assert.Equal(TestAuthority.Composite(Pcr, value), info.Platforms[0].Composite);
        Assert.Equal([0, 1, 0], info.Platforms[0].PcrSelection.PcrSelect.ToArray());
        Assert.Equal(kernels, info.Kernels);
        Assert.DoesNotContain(_rig.Log, line => line.Contains("original's form", StringComparison.Ordinal));
    }

    [Fact]
    public void OurForm_WithAnyByteChanged_IsRefused()
    {
        byte[] file = _authority.Approve(7, Pcr, default);
        for (int offset = 0; offset < file.Length; offset++)
        {
            byte[] changed = [.. file];
            changed[offset] ^= 0x01;
            Assert.Contains(Refusal(changed), (TpmResult[])[TpmResult.BadSignature, TpmResult.BadParameter]);
        }

        Assert.Equal(0ul, Info().ConfigurationSequence);
    }

    [Fact]
    public void OurForm_OfAnotherGroup_IsABadParameterAndOfEveryGroupIsAccepted()
    {
        Assert.Equal(TpmResult.BadParameter, Refusal(_authority.Approve(7, Pcr, default, Guid.NewGuid())));
        Update(_authority.Approve(7, Pcr, default, Guid.Empty));
    }

    [Fact]
    public void BothForms_WithANumberThatIsNotHigher_AreRefused()
    {
        Update(_authority.Approve(7, Pcr, default));
        foreach (ulong sequence in (ulong[])[7, 6, 0])
        {
            Assert.Equal(TpmResult.Fail, Refusal(_authority.Approve(sequence, Pcr, default)));
            Assert.Equal(TpmResult.Fail, Refusal(Original(sequence)));
        }

        Update(Original(8));
        Assert.Equal(8ul, Info().ConfigurationSequence);
    }

    /// <summary>A signature of one form is worth nothing in the other.</summary>
    [Fact]
    public void Forms_WithTheSignatureSchemeOfTheOther_AreBadSignatures()
    {
        byte[] ours = _authority.Approve(7, Pcr, default);
        byte[] signed = ours[..^256];
        Assert.Equal(TpmResult.BadSignature, Refusal([.. signed, .. _authority.Key.SignData(signed, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1)]));
        byte[] original = Original(7);
        byte[] list = original[256..^5];
        Assert.Equal(TpmResult.BadSignature, Refusal([.. _authority.Key.SignData(list, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), .. original[256..]]));
    }

    /// <summary>The weakness of the original's form, which the log tells of.</summary>
    [Fact]
    public void OriginalForm_WithOtherPcrs_IsAcceptedWithAWarning()
    {
        byte[] file = Original(7);
        file[^3] = 0xFF;
        Update(file);
        Assert.Equal([0xFF, 1, 0], Info().Platforms[0].PcrSelection.PcrSelect.ToArray());
        Assert.Contains(_rig.Log, line => line.StartsWith("WARN", StringComparison.Ordinal) && line.Contains("which PCRs its platforms are made of, nobody has signed", StringComparison.Ordinal));
    }

    [Fact]
    public void OurForm_WithAPcrThatThereIsNot_IsABadParameter()
    {
        byte[] signed = _authority.Approve(7, Pcr, default)[..^256];
        int selection = 16 + 16 + 8 + 4;
        byte[] longer = [.. signed[..selection], 0, 4, 0, 1, 0, 1, .. signed[(selection + 5)..]];
        Assert.Equal(TpmResult.BadParameter, Refusal([.. longer, .. _authority.Key.SignData(longer, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)]));
    }

    [Fact]
    public void OurForm_WithMoreThanTheImageKeeps_IsSize()
    {
        VtpmManagerInfoResponse manager = _administrator.Manage<NoParameters, VtpmManagerInfoResponse>(VtpmManagerOrdinal.ManagerInfo, default);
        byte[] file = SignedConfiguration.Create(_authority.Key, 7, new PlatformConfiguration[manager.MaxPlatforms + 1], []);
        Assert.Equal(TpmResult.Size, RefusalOfParts(1, file, 4000));
    }

    [Fact]
    public void Parts_InTheirOrder_ActAsTheWhole()
    {
        byte[] file = _authority.Approve(7, Pcr, default);
        for (int offset = 0; offset < file.Length; offset += 100)
        {
            byte[] part = file[offset..Math.Min(offset + 100, file.Length)];
            Assert.Equal(0ul, Info().ConfigurationSequence);
            Assert.Equal((uint)(offset + part.Length), Part(1, file.Length, offset, part));
        }

        Assert.Equal(7ul, Info().ConfigurationSequence);
        Assert.Equal(TpmResult.Fail, RefusalOfParts(1, file, file.Length));   // The whole in one part, and its number is no longer higher.
    }

    [Fact]
    public void Parts_OutOfOrder_AreBadParametersAndForgetWhatCame()
    {
        byte[] file = _authority.Approve(7, Pcr, default);
        int total = file.Length;
        (uint Group, int Total, int Offset, int Length)[] wrong =
            [(1, total, 99, 10), (1, total, 101, 10), (1, total + 1, 100, 10), (2, total, 100, 10), (1, total, 100, 0), (1, total, 100, total - 99)];
        foreach ((uint group, int saysTotal, int offset, int length) in wrong)
        {
            Part(1, total, 0, file[..100]);
            Assert.Equal(TpmResult.BadParameter, RefusalOfPart(group, saysTotal, offset, new byte[length]));
            Assert.Equal(TpmResult.BadParameter, RefusalOfPart(1, total, 100, file[100..]));
        }

        Assert.Equal(TpmResult.BadParameter, RefusalOfPart(1, 0, 0, []));
        Assert.Equal(TpmResult.BadParameter, RefusalOfPart(1, 256 * 1024 + 1, 0, file));
        Part(1, total, 0, file[..100]);
        using VtpmManagerClient other = _rig.Administrator();
        var rest = new VtpmGroupUpdatePartRequest { Group = 1, Total = (uint)total, Offset = 100, Part = file.AsMemory(100) };
        Assert.Equal(TpmResult.BadParameter, Assert.Throws<VtpmManagerException>(() => other.Manage(VtpmManagerOrdinal.GroupUpdatePart, WireFormat.ToBytes(rest))).Result);
        Part(1, total, 100, file[100..]);
        Assert.Equal(7ul, Info().ConfigurationSequence);
    }

    private byte[] Original(ulong sequence)
    {
        byte[] list = [.. new byte[7], (byte)sequence, 0, 0, 0, 1, .. TestAuthority.Composite(Pcr, default).ReadOnlySpan, 0, 0, 0, 0];
        return [.. _authority.Key.SignData(list, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), .. list, 0, 3, 0, 1, 0];
    }

    private VtpmGroupInfoResponse Info() =>
        _administrator.Manage<VtpmGroupInfoRequest, VtpmGroupInfoResponse>(VtpmManagerOrdinal.GroupInfo, new VtpmGroupInfoRequest { Group = 1 });

    private void Update(byte[] file) => _administrator.Manage(VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 1, .. file]);

    private TpmResult Refusal(byte[] file) => Assert.Throws<VtpmManagerException>(() => Update(file)).Result;

    private uint Part(uint group, int total, int offset, byte[] part) => _administrator.Manage<VtpmGroupUpdatePartRequest, VtpmGroupUpdatePartResponse>(
        VtpmManagerOrdinal.GroupUpdatePart, new VtpmGroupUpdatePartRequest { Group = group, Total = (uint)total, Offset = (uint)offset, Part = part }).Received;

    private TpmResult RefusalOfPart(uint group, int total, int offset, byte[] part) =>
        Assert.Throws<VtpmManagerException>(() => Part(group, total, offset, part)).Result;

    private TpmResult RefusalOfParts(uint group, byte[] file, int size) => Assert.Throws<VtpmManagerException>(() =>
    {
        for (int offset = 0; offset < file.Length; offset += size) Part(group, file.Length, offset, file[offset..Math.Min(offset + size, file.Length)]);
    }).Result;
}
