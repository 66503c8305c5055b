using System.Security.Cryptography;

namespace Vtpm.SystemTests;

/// <summary><c>vtpm up</c>: what it keeps, and what it never makes anew.</summary>
public sealed class UpFolderTests : IDisposable
{
    private const int Refused = 3;
    private const int Unavailable = 4;
    private const string Ready = "The vTPM is ready";

    private readonly TestFolder _folder = new();

    private string Dir => _folder["chain"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Up_WithoutOneOfItsFiles_RefusesAndChangesNothing()
    {
        string before = StartAndStop();
        foreach (string name in (string[])["vtpm.img", "manager.img", "hardware.state", "uuid"])
        {
            string file = Path.Combine(Dir, name);
            File.Move(file, file + ".away");
            // Where it is the vTPM that refuses, the manager has started, and with that bound its image anew to the hardware's counter.
            string images = name == "vtpm.img" ? "vtpm.img*" : "*.img*";
            var contents = Contents(images);

            (int exitCode, string output) = VtpmProcess.Run("up", "--dir", Dir);

            Assert.True(exitCode == Refused, $"without {name} it ended with {exitCode}: {output}");
            Assert.Contains(name, output, StringComparison.Ordinal);
            Assert.Equal(contents, Contents(images));
            File.Move(file + ".away", file);
        }

        Assert.Equal(before, StartAndStop());
    }

    [Fact]
    public void Up_ApprovalKeyTakenElsewhereAndFolderMoved_GoesOn()
    {
        string before = StartAndStop();
        File.Delete(Path.Combine(Dir, "approval.pem"));
        Directory.Move(Dir, _folder["moved"]);
        Assert.Equal(before, StartAndStop(_folder["moved"]));
    }

    [Fact]
    public void Status_BeforeAndAfterTheEnd_TellsThemApart()
    {
        using VtpmProcess first = VtpmProcess.StartReady(Ready, "up", "--dir", Dir);
        Assert.Equal(0, VtpmProcess.Run("status", "--dir", Dir).ExitCode);
        Stop(first);
        Assert.Equal(Unavailable, VtpmProcess.Run("status", "--dir", Dir).ExitCode);
    }

    [Fact]
    public void Up_AnotherHardwareTpmThanBefore_IsRefused()
    {
        string before = StartAndStop();
        (int exitCode, string output) = VtpmProcess.Run("up", "--dir", Dir, "--hardware", "unix:" + _folder["other.sock"]);
        Assert.Equal(Refused, exitCode);
        Assert.Contains("stand-in", output, StringComparison.Ordinal);
        Assert.Equal(before, StartAndStop());
    }

    [Fact]
    public void Up_HardwareTpmThatIsNotThere_IsNotRemembered()
    {
        Assert.Equal(Unavailable, VtpmProcess.Run("up", "--dir", Dir, "--hardware", "unix:" + _folder["none.sock"]).ExitCode);
        StartAndStop();
    }

    [Fact]
    public void Up_SecretInAFile_IsOnNoCommandLine()
    {
        string secret = _folder["owner"];
        File.WriteAllText(secret, "text:visible\n");
        using VtpmProcess up = VtpmProcess.StartReady(Ready, "up", "--dir", Dir, "--owner-auth", "@" + secret, "loglevel=error");
        foreach (string line in Directory.GetDirectories("/proc", "*").Select(process => Path.Combine(process, "cmdline")).Where(File.Exists).Select(CommandLine))
            Assert.DoesNotContain("text:visible", line, StringComparison.Ordinal);
        Assert.Contains("@" + secret, CommandLine($"/proc/{up.Pid}/cmdline"), StringComparison.Ordinal);
        Stop(up);
    }

    /// <summary>The endorsement keys of the chain as it was started.</summary>
    private string StartAndStop(string? dir = null)
    {
        using VtpmProcess up = VtpmProcess.StartReady(Ready, "up", "--dir", dir ?? Dir);
        Stop(up);
        string[] keys = [.. up.Log.Split('\n').Where(line => line.StartsWith("     EK SHA-256 ", StringComparison.Ordinal))];
        Assert.Equal(2, keys.Length);
        return string.Join('\n', keys);
    }

    private static string CommandLine(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";   // it has just ended
        }
    }

    private static void Stop(VtpmProcess up)
    {
        up.Signal(UnixSignal.Interrupt);
        Assert.Equal(0, up.WaitForExit());
    }

    /// <summary>What holds keys. (The hardware TPM's state is its own: starting it is a power cycle.)</summary>
    private SortedDictionary<string, string> Contents(string images) =>
        new(Directory.GetFiles(Dir, images).ToDictionary(file => file, file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))));
}
