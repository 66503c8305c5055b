using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Vtpm.SystemTests;

/// <summary>A site from nothing to a running vTPM and back, by the commands that an administrator and an authority type.</summary>
public sealed class SiteTests
{
    [Fact]
    public void Site_FromTheAuthoritysKeyToTheEndOfAVtpm_IsWorkedByItsCommands()
    {
        using var site = new Site();
        string keyHash = Sha1(File.ReadAllBytes(MakeKey(site)));
        site.ManageRefused("has no identity key", "show", "0", "--aik", site["aik.pub"]);
        string group = site.Manage("group-add", site.ModulusFile, "--out", site["."]);
        Assert.True(Guid.TryParseExact(group, "D", out _), group);
        Assert.Equal(256, new FileInfo(site[$"group-{group}/aik.pub"]).Length);
        site.Manage("show", "0", "--aik", site["aik.pub"]);
        Assert.Equal(File.ReadAllBytes(site[$"group-{group}/aik.pub"]), File.ReadAllBytes(site["aik.pub"]));
        site.ManageRefused("is there already", "show", "0", "--aik", site["aik.pub"]);
        Assert.Equal(256, new FileInfo(site[$"group-{group}/aik.priv-ca-data"]).Length);
        site.ManageRefused("group-update 0", "vtpm-add", "0", $"{site.Uuid}");

        string platform = site.Do("approve", "composite", "--manager", $"{site.Admin}");
        Assert.Equal(site.Composite(0x0E00FF), platform);
        byte[] list = ConfigList(7, platform);
        Assert.Equal(
            $"Sequence: 7\ncfg_hash for {site["approved.7"]}: {Sha1(list)}",
            site.Do("approve", "sign", "--key", site.KeyFile, "--sequence", "7", "--original-form", site["approved.7"], platform, Site.AnyVtpm));
        Assert.Empty(site.Manage("group-update", "0", site["approved.7"]));
        Assert.Equal($"{site.Uuid}", site.Manage("vtpm-add", "0", $"{site.Uuid}"));
        Assert.Contains("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
        string expected = $"""
            Group 0 ({group}):
             Public key hash: {keyHash}
             Boot config #7 ({Sha1(list)})
             Platforms:
              {platform[7..]}
             Kernels:
              {Sha1("*:vtpm:socket"u8)}
             VTPMs:
              {site.Uuid}
            """;
        Assert.Equal(expected, site.Manage("list"));
        Assert.Equal(expected, site.Manage("list", "0"));
        Assert.Equal(expected, site.Manage("list", group));
        site.ManageRefused("stop it first", "vtpm-del", $"{site.Uuid}");

        site.StopVtpm();
        site.StartManager();
        Assert.DoesNotContain("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
        Assert.Equal(expected, site.Manage("list"));
        site.StopVtpm();
        Assert.Empty(site.Manage("vtpm-del", $"{site.Uuid}"));
        Assert.Equal(expected[..expected.IndexOf($"\n  {site.Uuid}", StringComparison.Ordinal)], site.Manage("list"));
    }

    [Fact]
    public void GroupUpdate_WithAFileThatCalcWouldWrite_TakesIt()
    {
        using Site site = Site.Provisioned();
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(site.KeyFile));
        string platform = site.Composite(0x0E00FF);
        byte[] list = ConfigList(0x100000000, platform, platform);
        byte[] file = [.. key.SignData(list, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), .. list, 0, 3, 0xFF, 0, 0x0E, 0, 3, 0xFF, 0, 0x0E];
        File.WriteAllBytes(site["auth"], file);
        string shown = site.Do("approve", "show", site["auth"], "--modulus", site.ModulusFile);
        Assert.Contains("Signature: good", shown, StringComparison.Ordinal);
        Assert.Contains("Sequence: 4294967296\n", shown, StringComparison.Ordinal);
        site.Manage("group-update", "0", site["auth"]);
        Assert.Contains($"Boot config #4294967296 ({Sha1(list)})", site.Manage("list", "0"), StringComparison.Ordinal);

        file[300] ^= 1;
        File.WriteAllBytes(site["forged"], file);
        site.ManageRefused("has not signed this", "group-update", "0", site["forged"]);
        (int exitCode, string output) = VtpmProcess.Run("approve", "show", site["forged"], "--modulus", site.ModulusFile);
        Assert.Equal(1, exitCode);
        Assert.Contains("NOT OF THIS AUTHORITY", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Groups_OfAnotherAuthority_ComeAndGo()
    {
        using Site site = Site.Provisioned();
        using RSA other = RSA.Create(2048);
        File.WriteAllText(site["other.pub"], other.ExportSubjectPublicKeyInfoPem());
        JsonElement added = Json(site.Manage("group-add", site["other.pub"], "--out", site["."], "--json"));
        string uuid = added.GetProperty("uuid").GetString()!;
        Assert.Equal(Convert.ToHexStringLower(File.ReadAllBytes(site[$"group-{uuid}/aik.pub"])), added.GetProperty("aikModulus").GetString());
        JsonElement groups = Json(site.Manage("list", "--json")).GetProperty("groups");
        Assert.Equal(2, groups.GetArrayLength());
        Assert.Equal(Sha1(other.ExportParameters(false).Modulus!), groups[1].GetProperty("publicKeyHash").GetString());
        Assert.True(groups[1].GetProperty("open").GetBoolean());
        string vtpm = Json(site.Manage("vtpm-add", uuid, "--json")).GetProperty("uuid").GetString()!;
        Assert.Contains(vtpm, site.Manage("list", uuid), StringComparison.Ordinal);
        site.ManageRefused("group 0 cannot be deleted", "group-del", "0");
        site.Manage("group-del", uuid);
        site.ManageRefused("no open group", "list", uuid);
        site.ManageRefused("no group of this number", "group-del", "1");
    }

    [Fact]
    public void Site_LookedAtInDetail_IsShown()
    {
        using Site site = Site.Provisioned();
        string platform = site.Composite(0x0E00FF);
        site.Do("approve", "sign", "--key", site.KeyFile, "--sequence", "2", site["approved.2"], platform, Site.AnyVtpm);
        site.Manage("group-update", "0", site["approved.2"]);
        site.Manage("vtpm-add", "0", $"{site.Uuid}");
        site.StartVtpm();
        string group = site.Manage("show", "0");
        foreach (string text in (string[])[": open", "Boot config #2 ", $"  {platform}  PCRs 0-7,17-19", "label:*:vtpm:socket", " vTPMs: 1"])
            Assert.Contains(text, group, StringComparison.Ordinal);
        JsonElement json = Json(site.Manage("show", "0", "--json"));
        Assert.Equal(Convert.ToHexStringLower(File.ReadAllBytes(site.ModulusFile)), json.GetProperty("publicKeyModulus").GetString());
        Assert.Equal(platform, json.GetProperty("platforms")[0].GetString());

        JsonElement vtpm = Json(site.Manage("vtpm-show", $"{site.Uuid}", "--json"));
        Assert.True(vtpm.GetProperty("connected").GetBoolean());
        Assert.False(vtpm.GetProperty("admin").GetBoolean());
        Assert.Equal(Sha1("*:vtpm:socket"u8), vtpm.GetProperty("kernelHash").GetString());
        Assert.Equal(Sha1(Encoding.UTF8.GetBytes($"{site.Uuid}:vtpm:socket")), vtpm.GetProperty("labelHash").GetString());
        site.Manage("vtpm-edit", $"{site.Uuid}", "--admin", "true");
        Assert.Contains("Administrator: yes", site.Manage("vtpm-show", $"{site.Uuid}"), StringComparison.Ordinal);
        site.Manage("vtpm-edit", $"{site.Uuid}", "--admin", "false");
        Assert.Contains("Administrator: no", site.Manage("vtpm-show", $"{site.Uuid}"), StringComparison.Ordinal);

        JsonElement info = Json(site.Manage("info", "--json"));
        Assert.Equal((true, 1, 1), (info.GetProperty("persistent").GetBoolean(), info.GetProperty("groups").GetInt32(), info.GetProperty("vtpms").GetInt32()));
        site.Manage("rotate");
        site.Manage("group-rotate", "0");
        site.StopVtpm();
        site.StartManager();
        Assert.DoesNotContain("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
    }

    [Fact]
    public void GroupQuote_ByTheGroupsIdentity_IsOfTheHardware()
    {
        using Site site = Site.Provisioned();
        const string nonce = "000102030405060708090a0b0c0d0e0f10111213";
        JsonElement quote = Json(site.Manage("group-quote", "0", "--nonce", nonce, "--pcrs", "0-7,17-19", "--json"));
        string composite = site.Composite(0x0E00FF)[7..];
        Assert.Equal(composite, quote.GetProperty("composite").GetString());
        Assert.StartsWith($"0e00ff={composite}", site.Manage("group-quote", "0"), StringComparison.Ordinal);

        // TPM_QUOTE_INFO, signed by the key in aik.pub.
        byte[] inner = SHA1.HashData([.. "SHOW"u8, .. Convert.FromHexString(nonce)]);
        byte[] signed = [1, 1, 0, 0, .. "QUOT"u8, .. Convert.FromHexString(composite), .. SHA1.HashData([0, 0, 0, 0, .. inner])];
        byte[] modulus = File.ReadAllBytes(Directory.EnumerateFiles(site["."], "aik.pub", SearchOption.AllDirectories).Single());
        using RSA aik = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] });
        byte[] signature = Convert.FromHexString(quote.GetProperty("signature").GetString()!);
        Assert.True(aik.VerifyData(signed, signature, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void Composite_OfAFileOfLinuxs_IsThatOfTheMachine()
    {
        using var site = new Site();
        string line = string.Join(' ', Enumerable.Repeat("00", 20));
        string ones = string.Join(' ', Enumerable.Repeat("FF", 20));
        File.WriteAllLines(site["pcrs"], Enumerable.Range(0, 24).Select(pcr => $"PCR-{pcr:d2}: {(pcr is >= 17 and <= 22 ? ones : line)} "));
        foreach (string[] pcrs in (string[][])[[], ["--pcrs", "0-7,17-19"], ["--mask", "0x0e00ff"]])
            Assert.Equal(site.Composite(0x0E00FF), site.Do(["approve", "composite", "--pcr-file", site["pcrs"], .. pcrs]));
        Assert.Equal(site.Composite(1), site.Do("approve", "composite", "--tpm", $"{site.Hardware}", "--pcrs", "0"));
        JsonElement json = Json(site.Do("approve", "composite", "--tpm", $"{site.Hardware}", "--pcrs", "0,17", "--json"));
        Assert.Equal(site.Composite(0x020001), $"{json.GetProperty("mask").GetString()}={json.GetProperty("composite").GetString()}");
        Assert.Equal(new string('f', 40), json.GetProperty("pcrs").GetProperty("17").GetString());
    }

    [Fact]
    public void Files_ThatAreThere_AreLeftAlone()
    {
        using Site site = Site.Provisioned();
        byte[] before = File.ReadAllBytes(site.KeyFile);
        AssertFails("is there already", "approve", "key", site.KeyFile);
        AssertFails("is there already", "approve", "key", site["other.pem"], "--modulus", site.ModulusFile);
        AssertFails("is there already", "approve", "modulus", site.KeyFile, site.ModulusFile);
        AssertFails("is there already", "approve", "sign", "--key", site.KeyFile, site.KeyFile, Site.AnyVtpm);
        AssertFails("is there already", "manage", "--manager", $"{site.Admin}", "group-activate", "0", site.ModulusFile, site.KeyFile);
        Assert.Equal(before, File.ReadAllBytes(site.KeyFile));
        Assert.False(File.Exists(site["other.pem"]));
        site.Do("approve", "sign", "--key", site.KeyFile, "--force", site["approved.0.1"], Site.AnyVtpm);
        Assert.Contains("everything is covered", site.Do("approve", "show", site["approved.0.1"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, "no manager runs in", "manage", "--dir", "DIR", "list")]
    [InlineData(4, "admin.sock", "manage", "--manager", "unix:DIR/admin.sock", "list")]
    [InlineData(2, "give one of them", "manage", "--manager", "unix:a", "--tpm", "unix:b", "list")]
    [InlineData(2, "is no group", "manage", "--dir", "DIR", "list", "first")]
    [InlineData(2, "vtpm manage group-add --help", "manage", "--dir", "DIR", "group-add")]
    [InlineData(2, "vtpm manage --help", "manage", "frobnicate")]
    [InlineData(2, "40 hex digits", "manage", "--manager", "unix:ADMIN", "group-add", "MODULUS", "--ca-digest", "00")]
    [InlineData(2, "numbers from 0 to 23", "approve", "composite", "--pcrs", "24")]
    [InlineData(2, "6 hex digits", "approve", "composite", "--mask", "PCR0")]
    [InlineData(2, "give one of them", "approve", "composite", "--mask", "1", "--pcrs", "0")]
    [InlineData(1, "cannot be read", "approve", "composite", "--pcr-file", "DIR/none")]
    [InlineData(1, "neither a platform", "approve", "sign", "--key", "DIR/none", "DIR/out", "zz")]
    [InlineData(1, "cannot be read", "approve", "sign", "--key", "DIR/none", "DIR/out", "label:x")]
    [InlineData(1, "not a private key", "approve", "modulus", "MODULUS", "DIR/out")]
    [InlineData(1, "are not an identity", "approve", "recover-start", "DIR/x", "--ek", "MODULUS", "--identity", "MODULUS")]
    [InlineData(1, "no signed list", "approve", "show", "MODULUS")]
    public void Command_ThatIsWrong_SaysWhatToDo(int code, string says, params string[] arguments)
    {
        using var folder = new TestFolder();
        using RSA key = RSA.Create(2048);
        File.WriteAllBytes(folder["modulus"], key.ExportParameters(false).Modulus!);
        (int exitCode, string output) = VtpmProcess.Run(arguments.Select(argument => argument
            .Replace("DIR", folder.Path, StringComparison.Ordinal).Replace("MODULUS", folder["modulus"], StringComparison.Ordinal)));
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.Equal(code, exitCode);
        Assert.Equal([folder["modulus"]], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("12", "12")]
    [InlineData("18446744073709551615", "18446744073709551615")]
    public void Sign_WithSeqInTheEnvironment_NumbersTheListSo(string seq, string sequence)
    {
        using Site site = Site.Provisioned();
        using VtpmProcess process = VtpmProcess.StartProgram(
            "env", $"SEQ={seq}", VtpmBinary.Path, "approve", "sign", "--key", site.KeyFile, site["list"], site.Composite(1));
        Assert.Equal(0, process.WaitForExit());
        Assert.StartsWith($"Sequence: {sequence}\n", process.Log, StringComparison.Ordinal);
    }

    private static string MakeKey(Site site)
    {
        string said = site.Do("approve", "key", site.KeyFile);
        Assert.Equal($"key: {site.KeyFile}\nmodulus: {site.ModulusFile}\nPublic key hash: {Sha1(File.ReadAllBytes(site.ModulusFile))}", said);
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(site.KeyFile));
        Assert.Equal(key.ExportParameters(false).Modulus, File.ReadAllBytes(site.ModulusFile));
        return site.ModulusFile;
    }

    /// <summary>TPM_MGR_CFG_LIST of such platforms, and of every vTPM on a socket.</summary>
    private static byte[] ConfigList(ulong sequence, params string[] platforms)
    {
        byte[] list = new byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(list, sequence);
        BinaryPrimitives.WriteInt32BigEndian(list.AsSpan(8), platforms.Length);
        return [.. list, .. platforms.SelectMany(platform => Convert.FromHexString(platform[7..])), 0, 0, 0, 1, .. SHA1.HashData("*:vtpm:socket"u8)];
    }

    private static string Sha1(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA1.HashData(bytes));

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;

    private static void AssertFails(string says, params string[] arguments)
    {
        (int exitCode, string output) = VtpmProcess.Run(arguments);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }
}
