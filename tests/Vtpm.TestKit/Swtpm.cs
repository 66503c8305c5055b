using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Vtpm.TestKit;

/// <summary>
/// Debian's swtpm in TPM 1.2 mode, as a process on a Unix socket: a hardware TPM that nobody here has made. It is manufactured without endorsement
/// key; what it needs of physical presence is done, so that it is enabled and active.
/// </summary>
public sealed class Swtpm : IDisposable
{
    private static readonly Lazy<byte[]> Enabled = new(PrepareState);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-swtpm-");
    private Process? _process;

    public Swtpm()
        : this(Enabled.Value)
    {
    }

    /// <summary>With the state that another one has had (<see cref="ReadState"/>); none is a chip fresh from its factory, disabled.</summary>
    public Swtpm(byte[]? state)
    {
        if (state is not null) File.WriteAllBytes(StatePath, state);
        Start();
    }

    public string SocketPath => Path.Combine(_directory.FullName, "tpm.sock");

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

    private static byte[] PrepareState()
    {
        using var fresh = new Swtpm(state: null);
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Connect(new UnixDomainSocketEndPoint(fresh.SocketPath));
            // Presence by command, present, TPM_PhysicalEnable, TPM_PhysicalSetDeactivated(FALSE).
            foreach (string request in (string[])["00c10000000c4000000a0020", "00c10000000c4000000a0008", "00c10000000a0000006f", "00c10000000b0000007200"])
            {
                socket.Send(Convert.FromHexString(request));
                byte[] response = new byte[10];
                if (socket.Receive(response) != 10 || response[6..].Any(b => b != 0)) throw new InvalidOperationException($"swtpm: {request} was answered {Convert.ToHexString(response)}");
            }
        }

        fresh.PowerCycle();
        return fresh.ReadState();
    }

    private void Start()
    {
        string pid = Path.Combine(_directory.FullName, "pid");
        // As a daemon it returns when its sockets are there.
        using Process launcher = Process.Start(new ProcessStartInfo("swtpm", [
            "socket", "--tpmstate", $"dir={_directory.FullName}", "--server", $"type=unixio,path={SocketPath}",
            "--ctrl", $"type=unixio,path={SocketPath}.ctrl", "--flags", "not-need-init,startup-clear", "--pid", $"file={pid}", "--daemon",
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
        File.Delete($"{SocketPath}.ctrl");
    }
}
