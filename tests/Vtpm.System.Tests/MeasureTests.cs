using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary><c>vtpm measure</c>: the measurements of a boot, and the values that they come to in a TPM.</summary>
public sealed class MeasureTests
{
    private static readonly string Nothing = Convert.ToHexStringLower(SHA1.HashData([]));

    [Fact]
    public void Measure_OfAConfiguration_SaysWhatAFreshTpmWillHold()
    {
        using TestFolder folder = Files();
        File.WriteAllText(folder["guest.cfg"], $"kernel='{folder["kernel"]}'\nramdisk=\"{folder["initrd"]}\"\nroot='/dev/xvda1'\nextra='ro'\n");
        (int exitCode, string output) = VtpmProcess.Run("measure", folder["guest.cfg"], "--json");
        Assert.Equal(0, exitCode);
        using JsonDocument json = JsonDocument.Parse(output);
        string[] digests = [Sha1("the kernel"), Sha1("root=/dev/xvda1 ro"), Sha1("the initrd")];
        Assert.Equal(digests, json.RootElement.GetProperty("measurements").EnumerateArray().Select(step => step.GetProperty("digest").GetString()));
        Assert.Equal(Extended(digests[0]), json.RootElement.GetProperty("freshPcrs").GetProperty("4").GetString());
        Assert.Equal(Extended(digests[1], digests[2]), json.RootElement.GetProperty("freshPcrs").GetProperty("5").GetString());
    }

    [Fact]
    public void Measure_IntoATpm_LeavesThosePcrsThere()
    {
        using TestFolder folder = Files();
        using var hardware = VtpmProcess.StartReady(VtpmProcess.Ready, "hardware", "--state", folder["state"], "--listen", "unix:" + folder["tpm"]);
        Start(TpmAddress.Unix(folder["tpm"]));
        string[] arguments = ["measure", "--kernel", folder["kernel"], "--command-line", "quiet", "--tpm", "unix:" + folder["tpm"]];
        (int exitCode, string output) = VtpmProcess.Run(arguments);
        Assert.Equal(0, exitCode);
        Assert.Contains($"PCR 4 = {Extended(Sha1("the kernel"))}", output, StringComparison.Ordinal);
        Assert.Contains($"PCR 5 = {Extended(Sha1("quiet"), Nothing)}", output, StringComparison.Ordinal);
        // A second time it is another boot's history.
        Assert.Contains($"PCR 4 = {Extended(Sha1("the kernel"), Sha1("the kernel"))}", VtpmProcess.Run(arguments).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bootloader='pygrub'", 1, "vtpm-bootloader")]
    [InlineData("kernel='/none/such'\nvtpm=['backend=0,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10']", 1, "/none/such cannot be measured")]
    [InlineData("kernel='unfinished", 1, "line 1")]
    [InlineData("kernel='KERNEL'", 1, "has no vtpm=")]
    [InlineData("kernel='KERNEL'\nvtpm=['backend=0']", 1, "makes one up at every start")]
    [InlineData("kernel='KERNEL'\nvtpm=['backend=tpms,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10']", 1, "the domain tpms")]
    [InlineData("kernel='KERNEL'\nvtpm=['backend=0,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10','backend=0']", 1, "--uuid")]
    [InlineData("kernel='KERNEL'\nvtpm=['backend=0,uuid=1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10']", 1, "vtpm tpmback")]
    public void Measure_ThatCannotBeLeft_SaysWhatToDo(string configuration, int expected, string says)
    {
        using TestFolder folder = Files();
        File.WriteAllText(folder["guest.cfg"], configuration.Replace("KERNEL", folder["kernel"], StringComparison.Ordinal));
        (int exitCode, string output) = VtpmProcess.Run("measure", folder["guest.cfg"], "--backend", "unix:" + folder["nobody.sock"]);
        Assert.Equal(expected, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("name the guest's configuration")]
    [InlineData("instead of a configuration", "guest.cfg", "--kernel", "k")]
    [InlineData("give both", "--kernel", "k", "--uuid", "1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10")]
    [InlineData("write unix:PATH", "--kernel", "k", "--backend", "tcp:127.0.0.1:1")]
    [InlineData("needs --uuid", "--kernel", "k", "--backend", "unix:nobody.sock")]
    public void Measure_WithAMistakenCommandLine_SaysWhatToWrite(string says, params string[] arguments)
    {
        using TestFolder folder = Files();
        File.WriteAllText(folder["guest.cfg"], "kernel='k'");
        (int exitCode, string output) = VtpmProcess.Run(["measure", .. arguments.Select(argument => argument is "guest.cfg" ? folder[argument] : argument)]);
        Assert.Equal(2, exitCode);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    private static void Start(TpmAddress tpm)
    {
        using ITpmConnection link = TpmConnection.Open(tpm);
        byte[] response = new byte[TpmMessage.MaxLength];
        link.Transmit(RawClient.Request(TpmOrdinal.Startup, 0, 1), response);
        Assert.Equal(TpmResult.Success, RawClient.ResultOf(response));
    }

    private static TestFolder Files()
    {
        var folder = new TestFolder();
        File.WriteAllText(folder["kernel"], "the kernel");
        File.WriteAllText(folder["initrd"], "the initrd");
        return folder;
    }

    private static string Sha1(string text) => Convert.ToHexStringLower(SHA1.HashData(Encoding.ASCII.GetBytes(text)));

    private static string Extended(params string[] digests) =>
        Convert.ToHexStringLower(digests.Aggregate(new byte[20], (pcr, digest) => SHA1.HashData([.. pcr, .. Convert.FromHexString(digest)])));
}
