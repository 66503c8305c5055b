using System.Diagnostics;
using System.Globalization;

namespace Vtpm.TestKit;

/// <summary>
/// Debian's swtpm, as a process on a Unix socket: a hardware TPM that nobody here has made. Fresh, a TPM 1.2 is enabled and active, and has no
/// endorsement key. It serves one client at a time: a second one waits until the first has left.
/// </summary>
public sealed class Swtpm : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-swtpm-");
    private readonly bool _isTpm2;
    private Process? _process;
    private bool _startup = true;

    /// <summary>With the state that another one has had (<see cref="ReadState"/>); none is a chip fresh from its factory.</summary>
    /// <param name="state">What is permanent in it.</param>
    /// <param name="isTpm2">A TPM 2.0 instead of a TPM 1.2.</param>
    public Swtpm(byte[]? state = null, bool isTpm2 = false)
    {
        _isTpm2 = isTpm2;
        if (state is not null) File.WriteAllBytes(StatePath, state);
        Start();
    }

    public string SocketPath => Path.Combine(_directory.FullName, "tpm.sock");

    /// <summary>The socket of its control channel: power, locality.</summary>
    public string ControlPath => $"{SocketPath}.ctrl";

    private string StatePath => Path.Combine(_directory.FullName, _isTpm2 ? "tpm2-00.permall" : "tpm-00.permall");

    /// <summary>All that is permanent in it.</summary>
    public byte[] ReadState() => File.ReadAllBytes(StatePath);

    /// <summary>Off and on again, with TPM_Startup(ST_CLEAR), or without any.</summary>
    public void PowerCycle(bool startup = true)
    {
        _startup = startup;
        Stop();
        Start();
    }

    public void Dispose()
    {
        Stop();
        _directory.Delete(recursive: true);
    }

    private void Start()
    {
        string pid = Path.Combine(_directory.FullName, "pid");
        // As a daemon it returns when its sockets are there.
        using Process launcher = Process.Start(new ProcessStartInfo("swtpm", [
            "socket", .. _isTpm2 ? ["--tpm2"] : Array.Empty<string>(), "--tpmstate", $"dir={_directory.FullName}", "--server", $"type=unixio,path={SocketPath}",
            "--ctrl", $"type=unixio,path={ControlPath}", "--flags", _startup ? "not-need-init,startup-clear" : "not-need-init", "--pid", $"file={pid}", "--daemon",
        ]))!;
        launcher.WaitForExit();
        if (launcher.ExitCode != 0) throw new InvalidOperationException($"swtpm ended with {launcher.ExitCode}; install the package swtpm");
        _process = Process.GetProcessById(int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture));
    }

    private void Stop()
    {
        if (_process is null) return;
        _process.Kill();
        // A daemon's parent is init, which takes a second to notice: a process that is nothing but its entry in the table has ended.
        SpinWait.SpinUntil(() => HasEnded(_process.Id));
        _process.Dispose();
        _process = null;
        File.Delete(SocketPath);
        File.Delete(ControlPath);
    }

    private static bool HasEnded(int pid)
    {
        try
        {
            // pid (name) state …
            return File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1][0] is 'Z' or 'X';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
