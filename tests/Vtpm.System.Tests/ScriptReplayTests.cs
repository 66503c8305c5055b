using System.Security.Cryptography;
using System.Text;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>The very bytes that Xen's manage-vtpmmgr.pl writes to a TPM, command for command, and the answers that it can read.</summary>
public sealed class ScriptReplayTests
{
    private const string Success = "00000000";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Script_ThroughAdminSocketOrAdministratorsVtpm_IsUnderstood(bool throughVtpm)
    {
        using Site site = Site.Provisioned();
        site.MakeAdministrator();
        site.StartVtpm();
        using var tpm = new RawClient(throughVtpm ? site.Vtpm : site.Admin);
        using RSA authority = RSA.Create();
        authority.ImportFromPem(File.ReadAllText(site.KeyFile));
        string modulus = Convert.ToHexString(authority.ExportParameters(false).Modulus!);

        // list: one group, group 0.
        Assert.Equal("01C4" + "0000000E" + Success + "00000001", Send(tpm, "01C2" + "0000000A" + "02000101"));

        // group-add: a privacy CA's digest of zeroes, the modulus. The answer: uuid, public key, signature.
        string added = Send(tpm, "01C2" + "0000011E" + "02000102" + new string('0', 40) + modulus);
        Assert.StartsWith("01C4" + "0000021A" + Success, added, StringComparison.Ordinal);
        string group = added.Substring(20, 32);

        // vtpm-add, without a uuid and with one, after which the script has a zero byte.
        Assert.StartsWith("01C4" + "0000001A" + Success, Send(tpm, "01C2" + "0000000E" + "02000204" + "00000001"), StringComparison.Ordinal);
        const string uuid = "1B6EE4F09D4B4F1C8D1E3F7F7B1B2A10";
        Assert.Equal("01C4" + "0000001A" + Success + uuid, Send(tpm, "01C2" + "0000001F" + "02000204" + "00000001" + uuid + "00"));

        // group-update: the file as it is.
        string platform = site.Composite(0x0E00FF)[7..].ToUpperInvariant();
        string list = "0000000000000011" + "00000001" + platform + "00000001" + Convert.ToHexString(SHA1.HashData("*:vtpm:socket"u8));
        string signature = Convert.ToHexString(authority.SignData(Convert.FromHexString(list), HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
        Assert.Equal("01C4" + "0000000A" + Success, Send(tpm, "01C2" + "0000014B" + "02000106" + "00000001" + signature + list + "0003" + "FF000E"));

        // list 1: the group, then its vTPMs.
        Assert.Equal("01C4" + "00000152" + Success + group + modulus + list, Send(tpm, "01C2" + "0000000E" + "02000107" + "00000001"));
        string vtpms = Send(tpm, "01C2" + "00000012" + "02000201" + "00000001" + "00000000");
        Assert.StartsWith("01C4" + "0000002E" + Success + "00000002", vtpms, StringComparison.Ordinal);
        Assert.EndsWith(uuid, vtpms, StringComparison.Ordinal);

        // vtpm-del, and once more, which is an error that the script prints; group-del.
        Assert.Equal("01C4" + "0000000A" + Success, Send(tpm, "01C2" + "0000001A" + "02000205" + uuid));
        Assert.Equal("01C4" + "0000000A" + "00000003", Send(tpm, "01C2" + "0000001A" + "02000205" + uuid));
        Assert.Equal("01C4" + "0000000A" + Success, Send(tpm, "01C2" + "0000000E" + "02000103" + "00000001"));
        Assert.Equal("01C4" + "0000000A" + "00000002", Send(tpm, "01C2" + "0000000E" + "02000103" + "00000001"));
    }

    [Fact]
    public void Manage_ThroughAnAdministratorsVtpm_DoesAndSaysTheSame()
    {
        using Site site = Site.Provisioned();
        site.MakeAdministrator();
        site.StartVtpm();
        string[] through = ["manage", "--tpm", $"{site.Vtpm}"];
        string group = site.Do([.. through, "group-add", site.ModulusFile, "--out", site["."]]);
        Assert.True(File.Exists(site[$"group-{group}/aik.pub"]));
        string vtpm = site.Do([.. through, "vtpm-add", group]);
        string listed = site.Do([.. through, "list"]);
        Assert.Equal(site.Manage("list"), listed);
        Assert.Contains(vtpm, listed, StringComparison.Ordinal);
        // The hardware's PCRs, and not the guest's own.
        Assert.Equal(site.Composite(0x0E00FF), site.Do("approve", "composite", "--tpm", $"{site.Vtpm}"));
        site.Do([.. through, "vtpm-del", vtpm]);
        site.Do([.. through, "group-del", "1"]);
        Assert.DoesNotContain(group, site.Manage("list"), StringComparison.Ordinal);
    }

    [Fact]
    public void Manage_ThroughWhatIsNoAdministratorsVtpm_SaysWhatIsWrong()
    {
        using Site site = Site.Provisioned();
        site.Manage("vtpm-add", "0", $"{site.Uuid}");
        site.StartVtpm();
        (int exitCode, string output) = VtpmProcess.Run("manage", "--tpm", $"{site.Vtpm}", "list");
        Assert.Equal(1, exitCode);
        Assert.Contains("no administrator", output, StringComparison.Ordinal);
        (exitCode, output) = VtpmProcess.Run("manage", "--tpm", $"{site.Hardware}", "list");
        Assert.Equal(1, exitCode);
        Assert.Contains("no vTPM manager", output, StringComparison.Ordinal);
    }

    private static string Send(RawClient tpm, string request) => Convert.ToHexString(tpm.Exchange(Convert.FromHexString(request)));
}
