using System.Diagnostics;
using Vtpm.Client;
using Vtpm.Transports;

namespace Vtpm.Bench;

/// <summary><c>vtpm manager</c> as a process, with a socket for each of some vTPMs and one for administrators.</summary>
internal sealed class ManagerProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly List<string> _log = [];
    private readonly string _folder;

    /// <param name="vtpm">The executable.</param>
    /// <param name="folder">For its sockets and the approval key.</param>
    /// <param name="image">Its image; made and provisioned when it is not there.</param>
    /// <param name="hardware">The socket of its hardware TPM.</param>
    /// <param name="vtpms">Who is at the sockets.</param>
    public ManagerProcess(string vtpm, string folder, string image, string hardware, IReadOnlyList<Guid> vtpms)
    {
        _folder = folder;
        var start = new ProcessStartInfo(vtpm) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["manager", "--image", image, "--provision", Path.Combine(folder, "key.pem"), "--admin", $"unix:{AdminPath}"])
            start.ArgumentList.Add(argument);
        for (int i = 0; i < vtpms.Count; i++)
        {
            start.ArgumentList.Add("--listen");
            start.ArgumentList.Add($"{vtpms[i]}=unix:{SocketPath(i)}");
        }

        start.ArgumentList.Add($"tpmdriver=unix:{hardware}");
        long began = Stopwatch.GetTimestamp();
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        FirstAnswer(began);
        StartMilliseconds = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    /// <summary>From here until an administrator was answered.</summary>
    public double StartMilliseconds { get; }

    public ProcessFigures Figures => new(_process.Id, "vtpm manager");

    private string AdminPath => Path.Combine(_folder, "a");

    public string SocketPath(int vtpm) => Path.Combine(_folder, $"v{vtpm}");

    public VtpmManagerClient Connect(int vtpm) => new(TpmConnection.Open(TpmAddress.Parse($"unix:{SocketPath(vtpm)}")));

    public VtpmManagement ConnectAdministrator() => new(TpmConnection.Open(TpmAddress.Parse($"unix:{AdminPath}")));

    /// <summary>Like a power failure.</summary>
    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        File.Delete(AdminPath);
        foreach (string socket in Directory.GetFiles(_folder, "v*")) File.Delete(socket);
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null) return;
        lock (_log) _log.Add(line.Data);
    }

    private void FirstAnswer(long began)
    {
        while (true)
        {
            if (_process.HasExited)
            {
                _process.WaitForExit();
                lock (_log) throw new BenchException($"vtpm manager ended with {_process.ExitCode}: {string.Join('\n', _log.TakeLast(5))}");
            }

            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException($"vtpm manager does not answer after {Patience.TotalSeconds} s");
            try
            {
                if (File.Exists(AdminPath))
                {
                    using VtpmManagement administrator = ConnectAdministrator();
                    administrator.CountGroups();
                    return;
                }
            }
            catch (TpmTransportException)
            {
                // The socket is bound and nobody listens yet.
            }

            _ = LibC.usleep(100);
        }
    }
}
