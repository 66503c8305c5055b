using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>The authority's side: what it is asked to approve, the signed list, and reading one.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ApprovalTests : IDisposable
{
    private const string Composite = "0593ecb564f532df6ef2f4d7272489da52c4c840";
    private const string Kernel = "2bc65001d506ce6cd12cab90a4a2ad9040d641e1";
    private static readonly RSA Key = RSA.Create(2048);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-approval-");

    private string KeyPath => Path.Combine(_directory.FullName, "authority.pem");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Parse_OfCalcsExample_HasItsPlatformsAndItsKernel()
    {
        ApprovedList list = ApprovedList.Parse(7, ["0e00ff=" + Composite, "ff=" + Composite.ToUpperInvariant(), Kernel]);
        Assert.Equal(7ul, list.Sequence);
        Assert.Equal(["0e00ff", "0000ff"], list.Platforms.Select(platform => $"{platform.PcrMask:x6}"));
        Assert.All(list.Platforms, platform => Assert.Equal(Composite, platform.DigestRelease.ToString()));
        Assert.Equal(Kernel, Assert.Single(list.Kernels).ToString());
    }

    [Fact]
    public void Parse_OfKernelsForPeople_HashesThem()
    {
        string program = Path.Combine(_directory.FullName, "program");
        File.WriteAllText(program, "abc");
        ApprovedList list = ApprovedList.Parse(1, ["label:*:vtpm:socket", "exe:" + program, "label:a=b"]);
        // FIPS 180-2, appendix A.1, has that of "abc".
        Assert.Equal(
            [Hex("*:vtpm:socket"), "a9993e364706816aba3e25717850c26c9cd0d89d", Hex("a=b")], list.Kernels.Select(kernel => kernel.ToString()));
        Assert.Empty(list.Platforms);
    }

    [Theory]
    [InlineData("")]
    [InlineData("zz")]
    [InlineData("0593ecb564f532df6ef2f4d7272489da52c4c84")]
    [InlineData("twenty characters ..")]
    [InlineData("1000000=0593ecb564f532df6ef2f4d7272489da52c4c840")]
    [InlineData("=0593ecb564f532df6ef2f4d7272489da52c4c840")]
    [InlineData("ff=0593")]
    [InlineData("ff=0593ecb564f532df6ef2f4d7272489da52c4c84g")]
    [InlineData("ff=0593ecb564f532df6ef2f4d7272489da52c4c840=")]
    [InlineData("exe:/nonexistent/program")]
    public void Parse_OfSomethingElse_NamesIt(string argument) =>
        Assert.Contains(argument, Assert.Throws<ApprovalException>(() => ApprovedList.Parse(1, [argument])).Message, StringComparison.Ordinal);

    [Fact]
    public void Sign_InOurForm_CoversEverythingBeforeTheSignature()
    {
        var group = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
        byte[] file = (ApprovedList.Parse(0x0102030405060708, ["0e00ff=" + Composite, Kernel]) with { Group = group }).Sign(Key);
        byte[] expected = Convert.FromHexString(
            "ffffffffffffffff" + "7654504d63666732" + "00112233445566778899aabbccddeeff" + "0102030405060708"
            + "00000001" + "0003ff000e" + Composite + "00000001" + Kernel);
        Assert.Equal(expected, file[..^256]);
        Assert.True(Key.VerifyData(expected, file[^256..], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void Sign_InTheOriginalsForm_IsTheFileOfCalc()
    {
        byte[] file = ApprovedList.Parse(7, ["0e00ff=" + Composite, "ff=" + Composite, Kernel]).SignOriginalForm(Key);
        byte[] list = Convert.FromHexString("0000000000000007" + "00000002" + Composite + Composite + "00000001" + Kernel);
        Assert.Equal([.. list, 0, 3, 0xFF, 0, 0x0E, 0, 3, 0xFF, 0, 0], file[256..]);
        Assert.True(Key.VerifyData(list, file[..256], HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void Sign_OfOneGroupInTheOriginalsForm_IsRefused() => Assert.Throws<ApprovalException>(
        () => new ApprovedList { Sequence = 1, Group = Guid.NewGuid() }.SignOriginalForm(Key));

    [Theory]
    [InlineData(1024)]
    [InlineData(3072)]
    public void Sign_WithAKeyOfAnotherSize_IsRefused(int bits)
    {
        using RSA key = RSA.Create(bits);
        Assert.Throws<ApprovalException>(() => new ApprovedList { Sequence = 1 }.Sign(key));
        Assert.Throws<ApprovalException>(() => new ApprovedList { Sequence = 1 }.SignOriginalForm(key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_OfWhatWasSigned_HasItAndItsSigner(bool originalForm)
    {
        ApprovedList list = ApprovedList.Parse(9, ["0e00ff=" + Composite, Kernel]);
        byte[] bytes = originalForm ? list.SignOriginalForm(Key) : list.Sign(Key);
        SignedConfiguration file = SignedConfiguration.Read(bytes)!;
        ApprovedList read = ApprovedList.Of(file);
        Assert.Equal(!originalForm, file.CoversPcrs);
        Assert.Equal((9ul, null, list.ConfigurationHash), (read.Sequence, read.Group, read.ConfigurationHash));
        Assert.Equal("0e00ff=" + Composite, PlatformText.Argument(Assert.Single(read.Platforms)));
        Assert.True(file.IsSignedBy(AuthorityModulus.Of(Key)));
        using RSA other = RSA.Create(2048);
        Assert.False(file.IsSignedBy(AuthorityModulus.Of(other)));
        Assert.False(file.IsSignedBy(new byte[256]));
    }

    /// <summary>Every bit of ours is signed; of the original's, every bit but the masks.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Read_OfAChangedFile_IsNoSignersAnyMore(bool originalForm)
    {
        ApprovedList list = ApprovedList.Parse(9, ["0e00ff=" + Composite, Kernel]);
        byte[] bytes = originalForm ? list.SignOriginalForm(Key) : list.Sign(Key);
        byte[] modulus = AuthorityModulus.Of(Key);
        int covered = originalForm ? bytes.Length - 5 : bytes.Length;
        for (int i = 0; i < covered; i++)
        {
            byte[] changed = [.. bytes];
            changed[i] ^= 0x10;
            Assert.False(SignedConfiguration.Read(changed)?.IsSignedBy(modulus) ?? false, $"byte {i}");
        }

        for (int length = 0; length < bytes.Length; length++) Assert.Null(SignedConfiguration.Read(bytes.AsSpan(0, length)));
        Assert.Null(SignedConfiguration.Read([.. bytes, 0]));
    }

    [Fact]
    public void ConfigurationHash_IsThatOfTheOriginal()
    {
        byte[] list = Convert.FromHexString("000000000000004d" + "00000001" + Composite + "00000000");
        Assert.Equal(Convert.ToHexStringLower(SHA1.HashData(list)), ApprovedList.Parse(77, ["1=" + Composite]).ConfigurationHash.ToString());
    }

    [Fact]
    public void Modulus_OfItsFormsOfAFile_IsTheKeys()
    {
        byte[] modulus = Key.ExportParameters(false).Modulus!;
        Assert.Equal(modulus, AuthorityModulus.Of(Key));
        Assert.Equal(modulus, AuthorityModulus.Parse(modulus));
        Assert.Equal(modulus, AuthorityModulus.Parse(Encoding.ASCII.GetBytes(Key.ExportSubjectPublicKeyInfoPem())));
        Assert.Equal(modulus, AuthorityModulus.Parse(Encoding.ASCII.GetBytes(Key.ExportRSAPublicKeyPem())));
    }

    [Fact]
    public void Modulus_OfSomethingElse_SaysWhatIsWanted()
    {
        byte[] modulus = Key.ExportParameters(false).Modulus!;
        using RSA small = RSA.Create(1024);
        Assert.Contains("256 bytes", Refusal(modulus[1..]), StringComparison.Ordinal);
        Assert.Contains("256 bytes", Refusal([0x7F, .. modulus[1..]]), StringComparison.Ordinal);
        Assert.Contains("256 bytes", Refusal([.. modulus[..^1], 2]), StringComparison.Ordinal);
        Assert.Contains("256 bytes", Refusal([]), StringComparison.Ordinal);
        Assert.Contains("RSA-2048", Refusal(Encoding.ASCII.GetBytes(small.ExportSubjectPublicKeyInfoPem())), StringComparison.Ordinal);
        Assert.Contains("no RSA public key", Refusal("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"u8.ToArray()), StringComparison.Ordinal);
        Assert.Contains("private key", Refusal(Encoding.ASCII.GetBytes(Key.ExportPkcs8PrivateKeyPem())), StringComparison.Ordinal);
    }

    [Fact]
    public void Key_MadeAndLoaded_IsOneKeyForItsOwnerAlone()
    {
        byte[] modulus;
        using (RSA made = ApprovalKey.Create(KeyPath)) modulus = AuthorityModulus.Of(made);
        using RSA loaded = ApprovalKey.Load(KeyPath);
        Assert.Equal(modulus, AuthorityModulus.Of(loaded));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyPath));
        byte[] before = File.ReadAllBytes(KeyPath);
        Assert.Contains(KeyPath, Assert.Throws<ManagerException>(() => ApprovalKey.Create(KeyPath)).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(KeyPath));
    }

    [Fact]
    public void Key_ThatIsPublic_IsNotLoaded()
    {
        File.WriteAllText(KeyPath, Key.ExportSubjectPublicKeyInfoPem());
        Assert.Contains("not a private key", Assert.Throws<ManagerException>(() => ApprovalKey.Load(KeyPath)).Message, StringComparison.Ordinal);
        Assert.Throws<ManagerException>(() => ApprovalKey.Load(KeyPath + ".none"));
    }

    private static string Hex(string text) => Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Refusal(byte[] file) => Assert.Throws<ApprovalException>(() => AuthorityModulus.Parse(file)).Message;
}
