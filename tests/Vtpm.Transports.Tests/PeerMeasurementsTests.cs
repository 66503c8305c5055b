using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Measuring beside the server's thread: nobody waits for a file that cannot be read but those who come by the same socket, and they not for ever.</summary>
public sealed class PeerMeasurementsTests : IDisposable
{
    private static readonly Task Forever = new TaskCompletionSource().Task;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-peer-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _sockets = [];
    // How many connections each measurement was for; it goes on when the gate is open.
    private readonly BlockingCollection<int> _begun = [];
    private readonly ManualResetEventSlim _gate = new();

    public PeerMeasurementsTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Name));
        _listener.Listen();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Name => Path.Combine(_directory.FullName, "s");

    public void Dispose()
    {
        _gate.Set();
        _sockets.ForEach(socket => socket.Dispose());
        _listener.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Measure_OfThisProcess_IsTheHashOfItsFile()
    {
        PeerExecutable measured = await new PeerMeasurements().Measure(Client());
        Assert.Equal(SHA1.HashData(await File.ReadAllBytesAsync("/proc/self/exe", Token)), measured.Sha1);
    }

    [Fact]
    public async Task Measure_OfALinkThatTellsNoProcess_IsNone() =>
        Assert.NotEmpty((await new PeerMeasurements().Measure(new ClientInfo(1, TpmAddress.Named("test", "peer")))).Fault);

    /// <summary>Each of them had connected when the second measurement began. The first had begun before.</summary>
    [Fact]
    public async Task Measure_OfOneProcessThatConnectsManyTimes_IsShared()
    {
        var measurements = new PeerMeasurements(Gated, () => Forever);
        List<Task<PeerExecutable>> results = [measurements.Measure(Client())];
        Assert.Equal(1, _begun.Take(Token));
        for (int i = 0; i < 3; i++) results.Add(measurements.Measure(Client()));
        _gate.Set();
        foreach (Task<PeerExecutable> result in results) Assert.NotNull((await result).Sha1);
        Assert.Equal(3, _begun.Take(Token));
        Assert.Empty(_begun);
    }

    [Fact]
    public async Task Measure_OfAFileThatCannotBeRead_KeepsNobodyWaitingButItsOwnSocketUnmeasured()
    {
        var impatient = new TaskCompletionSource();
        var measurements = new PeerMeasurements(Gated, () => impatient.Task);
        Task<PeerExecutable> stuck = measurements.Measure(Client()), behind = measurements.Measure(Client());
        _begun.Take(Token);
        Assert.False(stuck.IsCompleted);
        impatient.SetResult();
        Assert.Contains("in time", (await stuck).Fault, StringComparison.Ordinal);
        Assert.Contains("in time", (await behind).Fault, StringComparison.Ordinal);
        // No other reader is put behind the one that hangs, and those of other sockets have theirs.
        Assert.Contains("in time", (await measurements.Measure(Client())).Fault, StringComparison.Ordinal);
        Assert.Empty(_begun);
        Assert.NotNull((await new PeerMeasurements().Measure(Client())).Sha1);

        _gate.Set();
        while ((await measurements.Measure(Client())).Sha1 is null) Token.ThrowIfCancellationRequested();
    }

    [Fact]
    public async Task Measure_ThatFails_IsNoneAndTheNextIsMeasured()
    {
        bool fails = true;
        var measurements = new PeerMeasurements(connections => fails ? throw new InvalidOperationException("a defect") : PeerExecutable.Measure(connections), () => Forever);
        Assert.Contains("a defect", (await measurements.Measure(Client())).Fault, StringComparison.Ordinal);
        fails = false;
        Assert.NotNull((await measurements.Measure(Client())).Sha1);
    }

    private PeerExecutable[] Gated(IReadOnlyList<PeerProcess> connections)
    {
        _begun.Add(connections.Count, Token);
        _gate.Wait(Token);
        return PeerExecutable.Measure(connections);
    }

    /// <summary>This process, connected once more.</summary>
    private ClientInfo Client()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(Name));
        Socket accepted = _listener.Accept();
        _sockets.AddRange([client, accepted]);
        return new ClientInfo(_sockets.Count, TpmAddress.Unix(Name), socket: accepted);
    }
}
