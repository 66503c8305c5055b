using System.Diagnostics;
using System.Globalization;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>How to start one of the programs compared.</summary>
internal sealed record Peer(string Name, string Version, string Executable, Func<string, string, string[]> Arguments, bool NeedsPhysicalPresence);

/// <summary>A TPM as a process, with its state in a directory of its own; a stop and a start is a power cycle.</summary>
internal sealed class TpmProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Peer _peer;
    private readonly DirectoryInfo _directory;
    private Process? _process;

    public TpmProcess(Peer peer, string stateOn)
    {
        _peer = peer;
        _directory = Directory.CreateDirectory(Path.Combine(stateOn, $"{peer.Name}-{Guid.NewGuid():N}"[..16]));
    }

    public TimedLink Link { get; private set; } = null!;

    public TpmClient Client { get; private set; } = null!;

    private string SocketPath => Path.Combine(_directory.FullName, "s");

    private int Pid => _process!.Id;

    /// <summary>Starts it.</summary>
    /// <returns>Milliseconds from here until TPM_Startup and TPM_GetCapability are answered with TPM_SUCCESS.</returns>
    public double Start()
    {
        var start = new ProcessStartInfo(_peer.Executable, _peer.Arguments(_directory.FullName, SocketPath))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        long began = Stopwatch.GetTimestamp();
        _process = Process.Start(start)!;
        Link = new TimedLink(Connect(began));
        Client = new TpmClient(Link);
        Client.Startup(TpmStartupType.Clear);
        Client.GetCapability(TpmCapability.Version, []);
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    /// <summary>Like a power failure.</summary>
    public void Stop()
    {
        if (_process is null) return;
        Client?.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
        foreach (string socket in Directory.GetFiles(_directory.FullName, "s*")) if (Path.GetFileName(socket) is "s" or "s.ctrl") File.Delete(socket);
    }

    public void PowerCycle()
    {
        Stop();
        Start();
    }

    /// <summary>Makes an endorsement key and a TPM that is enabled and active, as chips are sold.</summary>
    /// <returns>Milliseconds for TPM_CreateEndorsementKeyPair.</returns>
    public double MakeReady()
    {
        double milliseconds = Timed(() => Client.CreateEndorsementKeyPair(TpmKeys.EndorsementKey), TpmOrdinal.CreateEndorsementKeyPair);
        if (_peer.NeedsPhysicalPresence)
        {
            Client.PhysicalPresence(TpmPhysicalPresence.CmdEnable);
            Client.PhysicalPresence(TpmPhysicalPresence.Present);
            Client.PhysicalEnable();
            Client.PhysicalSetDeactivated(false);
        }

        PowerCycle();
        return milliseconds;
    }

    /// <summary>Owner and storage root key get the well-known secret.</summary>
    /// <returns>Milliseconds for TPM_TakeOwnership.</returns>
    public double TakeOwnership()
    {
        using var wellKnown = TpmSecret.WellKnown();
        TpmPubKey endorsementKey = Client.ReadPubek();
        return Timed(() => Client.TakeOwnership(endorsementKey, wellKnown, wellKnown, TpmKeys.StorageRootKey), TpmOrdinal.TakeOwnership);
    }

    /// <summary>What a call takes between the command's first byte and the response's last, in milliseconds.</summary>
    public double Timed(Action call, params ReadOnlySpan<TpmOrdinal> ordinals)
    {
        Link.Watch(ordinals);
        call();
        return Link.Elapsed.TotalMilliseconds;
    }

    /// <summary>The proportional set size in KiB: its own memory, and its share of what others map too.</summary>
    public double ReadPss()
    {
        WaitUntilIdle();
        foreach (string line in File.ReadLines($"/proc/{Pid}/smaps_rollup"))
            if (line.StartsWith("Pss:", StringComparison.Ordinal)) return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        throw new BenchException($"/proc/{Pid}/smaps_rollup has no Pss");
    }

    /// <summary>CPU time of all threads, in microseconds.</summary>
    public double ReadCpu()
    {
        // The kernel accounts a thread's time when it stops running: what it runs right now is not yet in the figure.
        WaitUntilIdle();
        return Tasks().Sum(task => double.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture)) / 1000;
    }

    public void Dispose()
    {
        Stop();
        _directory.Delete(recursive: true);
    }

    private ITpmConnection Connect(long began)
    {
        TpmAddress address = TpmAddress.Parse($"unix:{SocketPath}");
        while (true)
        {
            if (_process!.HasExited)
                throw new BenchException($"{_peer.Name} ended with {_process.ExitCode}: {_process.StandardError.ReadToEnd()}{_process.StandardOutput.ReadToEnd()}");
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException($"{_peer.Name} does not listen on {SocketPath} after {Patience.TotalSeconds} s");
            try
            {
                if (File.Exists(SocketPath)) return TpmConnection.Open(address);
            }
            catch (TpmTransportException)
            {
                // The socket is bound and nobody listens yet.
            }

            _ = LibC.usleep(100);
        }
    }

    private string[] Tasks() => Directory.GetDirectories($"/proc/{Pid}/task");

    private void WaitUntilIdle()
    {
        long began = Stopwatch.GetTimestamp();
        while (Tasks().Any(IsRunning))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException($"{_peer.Name} does not come to rest");
            _ = LibC.usleep(20);
        }
    }

    private static bool IsRunning(string task)
    {
        string stat = File.ReadAllText(Path.Combine(task, "stat"));
        return stat[stat.LastIndexOf(')') + 2] == 'R';
    }
}

/// <summary>A figure could not be measured; the message says why.</summary>
internal sealed class BenchException(string message) : Exception(message);
