namespace Vtpm.Transports;

/// <summary>
/// Measures the programs of those who connect to one socket, on threads of the pool. Nobody who serves waits for it, and those of other sockets do
/// not wait for an executable that cannot be read: one socket has one reader, so many read at a time, and a reader that takes too long is not counted
/// any more.
/// </summary>
/// <remarks>
/// Nothing is remembered from one measurement to the next. Several connections of one process that wait when it is measured share it: each has
/// connected before, and the process was measured afterwards. See ADR 3.
/// </remarks>
public sealed class PeerMeasurements
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly SemaphoreSlim Readers = new(4);

    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = [];
    private readonly Func<IReadOnlyList<PeerProcess>, PeerExecutable[]> _measure;
    private readonly Func<Task> _patience;
    private bool _isReading;
    private bool _isStuck;

    public PeerMeasurements() : this(PeerExecutable.Measure, () => Task.Delay(Patience))
    {
    }

    /// <param name="measure">Measures connections of one process.</param>
    /// <param name="patience">Begins when a measurement does, and ends when it has taken too long.</param>
    internal PeerMeasurements(Func<IReadOnlyList<PeerProcess>, PeerExecutable[]> measure, Func<Task> patience)
    {
        _measure = measure;
        _patience = patience;
    }

    /// <summary>Measures what is at the far end of a client's Unix socket; the task ends with the result, whatever that is.</summary>
    public Task<PeerExecutable> Measure(ClientInfo client)
    {
        ArgumentNullException.ThrowIfNull(client);
        PeerProcess? process;
        try
        {
            process = client.Process;
        }
        catch (Exception e) when (PeerExecutable.IsExpected(e))
        {
            return Task.FromResult(PeerExecutable.Unmeasured(e.Message));
        }

        return process is null ? Task.FromResult(PeerExecutable.Unmeasured("its link tells no process")) : Measure(process);
    }

    private Task<PeerExecutable> Measure(PeerProcess process)
    {
        var waiting = new Waiting(process);
        lock (_gate)
        {
            if (_isStuck) waiting.End(TooSlow());
            else _waiting.Enqueue(waiting);
            if (!_isStuck && !_isReading)
            {
                _isReading = true;
                _ = Task.Run(ReadAllAsync);
            }
        }

        return waiting.Result;
    }

    private async Task ReadAllAsync()
    {
        while (true)
        {
            await Readers.WaitAsync().ConfigureAwait(false);
            List<Waiting> process = TakeProcess();
            if (process.Count == 0)
            {
                Readers.Release();
                return;
            }

            PeerProcess[] connections = [.. process.Select(waiting => waiting.Process)];
            Task<PeerExecutable[]> reading = Task.Factory.StartNew(
                () => _measure(connections), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await Task.WhenAny(reading, _patience()).ConfigureAwait(false);
            Readers.Release();
            if (!reading.IsCompleted) await AwaitStuckAsync(process, reading).ConfigureAwait(false);
            else End(process, reading);
        }
    }

    /// <summary>Those of the process that has waited longest; none are left, and the next to come begins anew, when there are none.</summary>
    private List<Waiting> TakeProcess()
    {
        lock (_gate)
        {
            List<Waiting> taken = [], others = [];
            foreach (Waiting waiting in _waiting) (taken.Count == 0 || taken[0].Process.Pid == waiting.Process.Pid ? taken : others).Add(waiting);
            _waiting.Clear();
            foreach (Waiting waiting in others) _waiting.Enqueue(waiting);
            _isReading = taken.Count > 0;
            return taken;
        }
    }

    /// <summary>As long as the reader hangs, whoever comes by this socket is not measured.</summary>
    private async Task AwaitStuckAsync(List<Waiting> process, Task reading)
    {
        lock (_gate)
        {
            _isStuck = true;
            process.AddRange(_waiting);
            _waiting.Clear();
        }

        foreach (Waiting waiting in process) waiting.Answer(TooSlow());
        await reading.ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        foreach (Waiting waiting in process) waiting.Process.Dispose();
        lock (_gate) _isStuck = false;
    }

    private static void End(List<Waiting> process, Task<PeerExecutable[]> reading)
    {
        for (int i = 0; i < process.Count; i++)
        {
            process[i].End(reading.IsCompletedSuccessfully
                ? reading.Result[i]
                : PeerExecutable.Unmeasured($"measuring it has failed: {reading.Exception?.GetBaseException().Message}"));
        }
    }

    private static PeerExecutable TooSlow() => PeerExecutable.Unmeasured("its executable cannot be read in time");

    private sealed class Waiting(PeerProcess process)
    {
        // Whoever waits goes on elsewhere, not under a lock that is held here.
        private readonly TaskCompletionSource<PeerExecutable> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public PeerProcess Process => process;

        public Task<PeerExecutable> Result => _result.Task;

        public void Answer(PeerExecutable measured) => _result.SetResult(measured);

        public void End(PeerExecutable measured)
        {
            process.Dispose();
            Answer(measured);
        }
    }
}
