using System.Runtime.Versioning;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>A group's keys go into its authority's safe, and come back when the machine is no approved one any more: all by files.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RecoveryTests : IDisposable
{
    private const uint BootPcrs = 0x0000FF;
    private const uint DebugPcr = 0x010000;
    private readonly Site _site = Site.Provisioned();
    private readonly string _group;

    public RecoveryTests()
    {
        _group = _site.Manage("group-add", _site.ModulusFile, "--out", _site["."]);
        _site.Manage("pubek", _site["machine.ek"]);
    }

    public void Dispose() => _site.Dispose();

    [Fact]
    public void Group_OnAMachineThatChanged_ComesBackByItsAuthority()
    {
        Register();
        ApproveDebugPcr(1);
        _site.Manage("vtpm-add", _group, $"{_site.Uuid}");
        Assert.Contains("MANUFACTURING", _site.StartVtpm().Log, StringComparison.Ordinal);
        _site.StopVtpm();
        ChangeTheMachine();
        _site.StartManager();
        Assert.Contains($"Group 1 ({_group}):\n Closed", _site.Manage("list"), StringComparison.Ordinal);
        _site.ManageRefused("the group is closed", "vtpm-add", "1");

        _site.Manage("make-identity", _site["machine.identity"]);
        _site.Do("approve", "recover-start", _site["rescue"], "--ek", _site["machine.ek"], "--identity", _site["machine.identity"]);
        _site.Manage("group-recover", "1", "--identity", _site["machine.identity"], _site["rescue.request"], _site["rescue.answer"], "--pcrs", "0-7");
        AssertFails("none of those given as approved", Finish($"{BootPcrs:x6}={new string('1', 40)}"));
        _site.Do(Finish(_site.Composite(BootPcrs)));
        Assert.False(File.Exists(_site["rescue.secret"]));
        Assert.Contains("until the manager's next start", _site.Manage("group-recover-finish", _site["rescue.reply"]), StringComparison.Ordinal);
        _site.ManageRefused("group-recover comes first", "group-recover-finish", _site["rescue.reply"]);
        Assert.DoesNotContain("MANUFACTURING", _site.StartVtpm().Log, StringComparison.Ordinal);
        _site.StopVtpm();

        _site.Manage("group-identity", "1", "--out", _site["identity"]);
        Assert.Equal(256, new FileInfo(Path.Combine(_site["identity"], "aik.priv-ca-data")).Length);
        ApproveDebugPcr(2);
        _site.StartManager();
        Assert.DoesNotContain("Closed", _site.Manage("list"), StringComparison.Ordinal);
        Assert.DoesNotContain("MANUFACTURING", _site.StartVtpm().Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Registration_OfAnotherPlatformOrByAnotherKey_IsRefused()
    {
        _site.Do("approve", "register-start", _site["safe"], "--key", _site.KeyFile);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_site["safe.secret"]));
        _site.Manage("group-register", _group, _site["safe.request"], _site["safe.answer"], "--pcrs", "0-7");
        string[] finish = ["approve", "register-finish", _site["safe"], _site["keys"], "--aik", Aik, "--platform", $"{BootPcrs:x6}={new string('1', 40)}"];
        AssertFails("none of those given as approved", finish);
        finish[^1] = _site.Composite(BootPcrs);
        finish[^3] = _site.ModulusFile;
        AssertFails("not vouched for", finish);
        finish[^3] = Aik;
        byte[] answer = File.ReadAllBytes(_site["safe.answer"]);
        answer[^1] ^= 1;
        File.WriteAllBytes(_site["safe.answer"], answer);
        AssertFails("not vouched for", finish);
        Assert.True(File.Exists(_site["safe.secret"]));
        answer[^1] ^= 1;
        File.WriteAllBytes(_site["safe.answer"], answer);
        _site.Do(finish);
        Assert.False(File.Exists(_site["safe.secret"]));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_site["keys"]));
        AssertFails("is there already", finish);
    }

    [Fact]
    public void Registration_AfterTheManagersEnd_SaysThatItIsTooLate()
    {
        ApproveDebugPcr(1);
        _site.Do("approve", "register-start", _site["safe"], "--key", _site.KeyFile);
        _site.StartManager();
        _site.ManageRefused("register it at once", "group-register", _group, _site["safe.request"], _site["safe.answer"]);
        Assert.False(File.Exists(_site["safe.answer"]));
        _site.ManageRefused("are not the request", "group-register", _group, _site["safe.secret"], _site["safe.answer"]);
    }

    private string Aik => _site[$"group-{_group}/aik.pub"];

    private string[] Finish(string platform) =>
        ["approve", "recover-finish", _site["rescue"], "--keys", _site["group1.keys"], "--platform", platform];

    private void Register()
    {
        _site.Do("approve", "register-start", _site["group1"], "--key", _site.KeyFile);
        _site.Manage("group-register", "1", _site["group1.request"], _site["group1.answer"], "--pcrs", "0-7");
        _site.Do("approve", "register-finish", _site["group1"], _site["group1.keys"], "--aik", Aik, "--platform", _site.Composite(BootPcrs));
    }

    private void ApproveDebugPcr(ulong sequence)
    {
        string file = _site[$"debug.{sequence}"];
        _site.Do("approve", "sign", "--key", _site.KeyFile, "--sequence", $"{sequence}", "--group", _group, file, _site.Composite(DebugPcr), Site.AnyVtpm);
        _site.Manage("group-update", _group, file);
    }

    private void ChangeTheMachine()
    {
        using var tpm = new TpmClient(TpmConnection.Open(_site.Hardware));
        tpm.Extend(16, TpmDigest.Of("another firmware"u8));
    }

    private static void AssertFails(string says, string[] arguments)
    {
        (int exitCode, string output) = VtpmProcess.Run(arguments);
        Assert.Contains(says, output, StringComparison.Ordinal);
        Assert.Equal(1, exitCode);
    }
}
