namespace Vtpm.SystemTests;

/// <summary>The command line: help that helps, and errors that say what is wrong and what to do, with the exit codes of the help.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("up")]
    [InlineData("hardware")]
    [InlineData("manager")]
    [InlineData("run")]
    [InlineData("status")]
    [InlineData("manage")]
    [InlineData("approve")]
    [InlineData("measure")]
    [InlineData("tpmback")]
    public void Help_OfAVerb_HasExamples(string verb)
    {
        (int exitCode, string output) = VtpmProcess.Run(verb, "--help");
        Assert.Equal(0, exitCode);
        Assert.Contains("Example", output, StringComparison.Ordinal);
        Assert.Contains($"vtpm {verb}", output[output.IndexOf("Example", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public void Help_AtTheTop_NamesVerbsAndExitCodes()
    {
        (int exitCode, string output) = VtpmProcess.Run("--help");
        Assert.Equal(0, exitCode);
        foreach (string text in (string[])["up", "hardware", "manager", "manage", "approve", "run", "status", "version", "Exit codes"])
            Assert.Contains(text, output, StringComparison.Ordinal);
        // A verb has a line: what is more to say, its own help does.
        Assert.DoesNotContain("Example", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_WhenAsked_IsPrinted()
    {
        (int exitCode, string output) = VtpmProcess.Run("version");
        Assert.Equal(0, exitCode);
        Assert.Matches(@"^vtpm \d+\.\d+\.\d+", output);
    }

    [Theory]
    [InlineData("loglevel=loud", "loglevel=error")]
    [InlineData("hwinitpcr=24", "0 to 23")]
    [InlineData("hwinitpcr=", "hwinitpcr=0-3,5")]
    [InlineData("hwinitpcr=1-2-3", "hwinitpcr=0-3,5")]
    [InlineData("maintcmds=yes", "maintcmds=1")]
    [InlineData("locality=label", "locality=LABEL=N")]
    [InlineData("clear=1", "known are")]
    [InlineData("save_state", "known are")]
    public void Run_WithAMalformedArgument_SaysWhatToWrite(string argument, string says)
    {
        using var folder = new TestFolder();
        AssertUsage(["run", "--image", folder["v.img"], "--manager", "unix:m.sock", "--listen", "unix:" + folder["v.sock"], argument], $"'{argument}'", says);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData(new[] { "--provision", "key.pem", "--authority", "a.modulus" }, "give one of them")]
    [InlineData(new[] { "--admit", "system_u:system_r:vtpm_t" }, "give --provision or --authority")]
    [InlineData(new[] { "--authority", "nowhere.modulus" }, "there is no such file")]
    [InlineData(new[] { "--authority", "/etc/hostname" }, "modulus has 256 bytes")]
    public void Manager_WithAFirstStartThatCannotBe_SaysWhy(string[] arguments, string says)
    {
        using var folder = new TestFolder();
        AssertUsage(["manager", "--image", folder["m.img"], "--admin", "unix:" + folder["admin.sock"], "tpmdriver=unix:" + folder["none.sock"], .. arguments], says);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("tpmlocality=5", "tpmlocality=0 to tpmlocality=4")]
    [InlineData("tpmdriver=tpm0", "not a TPM address")]
    [InlineData("tpmdriver=tpm0", "tpmdriver=tpm_tis")]
    [InlineData("tpmiomem=0xfed40010", "tpmiomem=0xfed40000")]
    [InlineData("tpmiomem=0", "tpmiomem=0xfed40000")]
    [InlineData("tpmiomem=everywhere", "tpmiomem=0xfed40000")]
    [InlineData("tpmiomem=0xfed40000", "for tpmdriver=tpm_tis alone")]
    [InlineData("tpmirq=0", "for tpmdriver=tpm_tis alone")]
    [InlineData("tpmirq=none", "tpmirq=probe")]
    [InlineData("tpmdriver=", "known are")]
    [InlineData("owner_auth=secret", "well-known")]
    [InlineData("tpm2=2", "tpm2=1")]
    [InlineData("srk_handle=0x81000001", "add tpm2=1")]
    [InlineData("srk_handle=root", "srk_handle=0x81000001")]
    [InlineData("srk_handle=0x80000000", "srk_handle=0x81000001")]
    [InlineData("bogus", "known are")]
    public void Manager_WithAMalformedArgument_SaysWhatToWrite(string argument, string says)
    {
        using var folder = new TestFolder();
        string socket = "unix:" + folder["0a0b0c0d-1111-4222-8333-444455556666.sock"];
        AssertUsage(["manager", "--image", folder["m.img"], "--listen", socket, "tpmdriver=unix:" + folder["none.sock"], argument], says);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Manager_ListeningWithoutAUuid_SaysWhatToWrite() =>
        AssertUsage(["manager", "--image", "m.img", "--listen", "unix:guest.sock", "tpmdriver=unix:h.sock"], "'guest' is not a uuid");

    [Fact]
    public void Run_OnXenAndOnASocket_IsRefusedBeforeAnythingIsStarted()
    {
        using var folder = new TestFolder();
        string[] listen = ["--listen", "xen:", "--listen", "unix:" + folder["guest.sock"]];
        AssertUsage(["run", "--image", folder["v.img"], "--manager", "unix:" + folder["none.sock"], .. listen], "stands alone");
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("run")]
    [InlineData("hardware")]
    [InlineData("manager")]
    public void Verb_WithoutItsOptions_NamesThem(string verb) => AssertUsage([verb], "--listen", $"Try 'vtpm {verb} --help'");

    [Theory]
    [InlineData("guest.sock", "not a TPM address")]
    [InlineData("unix:", "unix:PATH")]
    [InlineData("tcp:127.0.0.1", "tcp:HOST:PORT")]
    [InlineData("tcp:127.0.0.1:65536", "0 to 65535")]
    public void Hardware_ListeningOnNoAddress_SaysWhatToWrite(string address, string says)
    {
        using var folder = new TestFolder();
        AssertUsage(["hardware", "--state", folder["h.state"], "--listen", address], says);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("--startup", "now")]
    [InlineData("--socket-mode", "rw")]
    [InlineData("--socket-mode", "7777")]
    public void Hardware_WithAMalformedOption_RefusesIt(string option, string value)
    {
        using var folder = new TestFolder();
        AssertUsage(["hardware", "--state", folder["h.state"], "--listen", "unix:" + folder["h.sock"], option, value], value);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Verb_ThatIsUnknown_IsAUsageError() => AssertUsage(["frobnicate"], "frobnicate", "--help");

    [Fact]
    public void NoVerb_AtAll_IsAUsageError() => AssertUsage([], "--help");

    [Fact]
    public void Status_WithoutAChain_SaysHowToMakeOne()
    {
        using var folder = new TestFolder();
        (int exitCode, string output) = VtpmProcess.Run("status", "--dir", folder.Path);
        Assert.Equal(1, exitCode);
        Assert.Contains("there is no chain", output, StringComparison.Ordinal);
        Assert.Contains("vtpm up --dir", output, StringComparison.Ordinal);
    }

    private static void AssertUsage(string[] arguments, params string[] says)
    {
        (int exitCode, string output) = VtpmProcess.Run(arguments);
        foreach (string text in says) Assert.Contains(text, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.Equal(2, exitCode);
    }
}
