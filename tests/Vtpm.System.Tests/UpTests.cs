using System.Diagnostics;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary><c>vtpm up</c>: the whole chain in one command, and nothing of it left behind.</summary>
public sealed class UpTests
{
    private const string Running = "The vTPM is ready.";

    [Fact]
    public void Up_UntilInterrupted_ShowsTheChainAndLeavesNothingBehind()
    {
        using var folder = new TestFolder();
        using VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path);
        foreach (string text in (string[])["hardware TPM   stand-in", "1.2.0.7", "manager        ", "vTPM           ", "approval key", "MANUFACTURING"])
            Assert.Contains(text, up.Log, StringComparison.Ordinal);
        Process[] children = ChildrenOf(up);
        Assert.Equal(3, children.Length);
        up.Signal(UnixSignal.Interrupt);
        Assert.Equal(0, up.WaitForExit());
        AssertEnded(children);
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*.sock"));
    }

    [Theory]
    [InlineData(UnixSignal.Terminate)]
    [InlineData(UnixSignal.Kill)]
    internal void Up_HoweverItEnded_IsThereAgainTheNextTime(UnixSignal signal)
    {
        using var folder = new TestFolder();
        byte[] endorsementKey;
        using (VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path))
        {
            endorsementKey = EndorsementKey(folder);
            Process[] children = ChildrenOf(up);
            up.Signal(signal);
            up.WaitForExit();
            AssertEnded(children);
        }

        using VtpmProcess again = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path);
        Assert.DoesNotContain("MANUFACTURING", again.Log, StringComparison.Ordinal);
        Assert.Equal(endorsementKey, EndorsementKey(folder));
    }

    [Theory]
    [InlineData("hardware")]
    [InlineData("manager")]
    [InlineData("run")]
    public void Up_WhoseChildDies_StopsTheRestAndSaysWhich(string verb)
    {
        using var folder = new TestFolder();
        using VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path);
        Process[] children = ChildrenOf(up);
        children.Single(child => File.ReadAllText($"/proc/{child.Id}/cmdline").Split('\0')[1] == verb).Kill();
        Assert.Equal(1, up.WaitForExit());
        Assert.Contains($"the {(verb == "run" ? "vtpm" : verb)} has ended by itself", up.Log, StringComparison.Ordinal);
        AssertEnded(children);
    }

    [Fact]
    public void Up_Twice_RefusesTheSecondAndLeavesTheFirst()
    {
        using var folder = new TestFolder();
        using VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path);
        (int exitCode, string output) = VtpmProcess.Run("up", "--dir", folder.Path);
        Assert.Equal(4, exitCode);
        Assert.Contains("hardware.state", output, StringComparison.Ordinal);
        Assert.Contains("another process", output, StringComparison.Ordinal);
        Assert.NotEmpty(EndorsementKey(folder));
    }

    [Fact]
    public void Up_OnHardwareThatRuns_StartsNoneOfItsOwn()
    {
        using var hardware = new Chain();
        hardware.StartHardware();
        using var folder = new TestFolder();
        using VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path, "--hardware", hardware.HardwareAddress.ToString());
        Assert.Equal(2, ChildrenOf(up).Length);
        Assert.Contains($"hardware TPM   {hardware.HardwareAddress}", up.Log, StringComparison.Ordinal);
        Assert.NotEmpty(EndorsementKey(folder));
    }

    [Theory]
    [InlineData("--owner-auth", "secret")]
    [InlineData("--socket-mode", "777777")]
    [InlineData("hwinitpcr=99", null)]
    public void Up_WithAMalformedArgument_MakesNothing(string argument, string? value)
    {
        using var folder = new TestFolder();
        string[] arguments = value is null ? [argument] : [argument, value];
        (int exitCode, string output) = VtpmProcess.Run(["up", "--dir", folder["chain"], .. arguments]);
        Assert.Equal(2, exitCode);
        Assert.Contains(argument, output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["chain"]));
    }

    [Fact]
    public void Status_OfAChainThatRuns_ShowsIt()
    {
        using var folder = new TestFolder();
        using VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path);
        (int exitCode, string output) = VtpmProcess.Run("status", "--dir", folder.Path);
        Assert.Equal(0, exitCode);
        foreach (string text in (string[])["hardware TPM   stand-in", "manager        ", "vTPM           ", "1.2.0.7", "PCR 0"])
            Assert.Contains(text, output, StringComparison.Ordinal);
        Assert.DoesNotContain("(none yet)", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Status_OfAChainThatIsStopped_SaysSo()
    {
        using var folder = new TestFolder();
        using (VtpmProcess up = VtpmProcess.StartReady(Running, "up", "--dir", folder.Path))
        {
            up.Signal(UnixSignal.Terminate);
            up.WaitForExit();
        }

        (int exitCode, string output) = VtpmProcess.Run("status", "--dir", folder.Path);
        Assert.Equal(4, exitCode);
        Assert.Contains("start", output, StringComparison.Ordinal);
    }

    private static byte[] EndorsementKey(TestFolder folder)
    {
        using var tpm = new TpmClient(TpmConnection.Open(TpmAddress.Unix(folder["vtpm.sock"])));
        return WireFormat.ToBytes(tpm.ReadPubek());
    }

    private static Process[] ChildrenOf(VtpmProcess process) =>
        [.. File.ReadAllText($"/proc/{process.Pid}/task/{process.Pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Concat(Directory.EnumerateDirectories($"/proc/{process.Pid}/task").SelectMany(task =>
                File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            .Distinct().Select(pid => Process.GetProcessById(int.Parse(pid, System.Globalization.CultureInfo.InvariantCulture)))];

    private static void AssertEnded(Process[] processes)
    {
        foreach (Process process in processes)
        {
            using (process) Assert.True(process.WaitForExit(VtpmProcess.Patience), $"process {process.Id} has outlived vtpm up");
        }
    }
}
