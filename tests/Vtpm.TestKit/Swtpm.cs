using System.Diagnostics;
using System.Globalization;

namespace Vtpm.TestKit;

/// <summary>
/// Debian's swtpm in TPM 1.2 mode, as a process on a Unix socket: a hardware TPM that nobody here has made. Fresh, it is enabled and active, and has
/// no endorsement key. It serves one client at a time: a second one waits until the first has left.
/// </summary>
public sealed class Swtpm : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-swtpm-");
    private Process? _process;

    /// <summary>With the state that another one has had (<see cref="ReadState"/>); none is a chip fresh from its factory.</summary>
    public Swtpm(byte[]? state = null)
    {
        if (state is not null) File.WriteAllBytes(StatePath, state);
        Start();
    }

    public string SocketPath => Path.Combine(_directory.FullName, "tpm.sock");

    /// <summary>The socket of its control channel: power, locality.</summary>
    public string ControlPath => $"{SocketPath}.ctrl";

    private string StatePath => Path.Combine(_directory.FullName, "tpm-00.permall");

    /// <summary>All that is permanent in it.</summary>
    public byte[] ReadState() => File.ReadAllBytes(StatePath);

    /// <summary>Off and on again, with TPM_Startup(ST_CLEAR).</summary>
    public void PowerCycle()
    {
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
            "socket", "--tpmstate", $"dir={_directory.FullName}", "--server", $"type=unixio,path={SocketPath}",
            "--ctrl", $"type=unixio,path={ControlPath}", "--flags", "not-need-init,startup-clear", "--pid", $"file={pid}", "--daemon",
        ]))!;
        launcher.WaitForExit();
        if (launcher.ExitCode != 0) throw new InvalidOperationException($"swtpm ended with {launcher.ExitCode}; install the package swtpm");
        _process = Process.GetProcessById(int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture));
    }

    private void Stop()
    {
        if (_process is null) return;
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
        File.Delete(SocketPath);
        File.Delete(ControlPath);
    }
}
