using System.Diagnostics;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>How to start one of the programs compared.</summary>
/// <param name="Name">For people.</param>
/// <param name="Version">What it says itself.</param>
/// <param name="Executable">The program.</param>
/// <param name="Arguments">From the folder for its state and the socket to listen on.</param>
/// <param name="NeedsPhysicalPresence">A new TPM is disabled, until somebody who is there enables it.</param>
/// <param name="IsStarted">It has had TPM_Startup when it listens.</param>
internal sealed record Peer(
    string Name, string Version, string Executable, Func<string, string, string[]> Arguments, bool NeedsPhysicalPresence, bool IsStarted = false);

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

    public string SocketPath => Path.Combine(_directory.FullName, "s");

    public ProcessFigures Figures => new(_process!.Id, _peer.Name);

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
        if (!_peer.IsStarted) Client.Startup(TpmStartupType.Clear);
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
}

/// <summary>A figure could not be measured; the message says why.</summary>
internal sealed class BenchException(string message) : Exception(message);
