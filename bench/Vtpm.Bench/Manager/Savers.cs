using System.Diagnostics;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>vTPMs that save their keys at one manager, each as fast as it is answered.</summary>
internal sealed class Savers : IDisposable
{
    private readonly ManagerProcess _manager;
    private readonly VtpmManagement _administrator;
    private readonly VtpmManagerClient[] _clients;

    public Savers(ManagerProcess manager, int clients)
    {
        _manager = manager;
        _administrator = manager.ConnectAdministrator();
        _clients = [.. Enumerable.Range(0, clients).Select(manager.Connect)];
    }

    public Samples Latency { get; } = new();

    public Samples Throughput { get; } = new();

    public Samples Cpu { get; } = new();

    public Samples BarriersPerSave { get; } = new();

    public Samples SectorsPerSave { get; } = new();

    /// <summary>Lets all of them save for so long.</summary>
    public void Round(TimeSpan duration, bool counts)
    {
        ulong sequence = _administrator.ManagerInfo().ImageSequence;
        double written = _manager.Figures.ReadWritten();
        double cpu = _manager.Figures.ReadCpu();
        using var start = new Barrier(_clients.Length + 1);
        long end = long.MaxValue;
        var saves = new List<double>[_clients.Length];
        Thread[] threads = [.. _clients.Select((client, i) => new Thread(() => saves[i] = Save(client, start, () => Volatile.Read(ref end)), 128 * 1024))];
        foreach (Thread thread in threads) thread.Start();
        long began = Stopwatch.GetTimestamp();
        Volatile.Write(ref end, began + (long)(duration.TotalSeconds * Stopwatch.Frequency));
        start.SignalAndWait();
        foreach (Thread thread in threads) thread.Join();
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double count = saves.Sum(list => list.Count);
        if (!counts || count == 0) return;
        foreach (double latency in saves.SelectMany(list => list)) Latency.Add(latency);
        Throughput.Add(count / seconds);
        Cpu.Add((_manager.Figures.ReadCpu() - cpu) / count);
        // Every save of the image has one barrier, once both roots have their seal lists.
        BarriersPerSave.Add((_administrator.ManagerInfo().ImageSequence - sequence) / count);
        SectorsPerSave.Add((_manager.Figures.ReadWritten() - written) / 4096 / count);
    }

    public void Dispose()
    {
        foreach (VtpmManagerClient client in _clients) client.Dispose();
        _administrator.Dispose();
    }

    private static List<double> Save(VtpmManagerClient client, Barrier start, Func<long> end)
    {
        var latencies = new List<double>();
        var key = new byte[VtpmHashKey.MinSize];
        start.SignalAndWait();
        while (Stopwatch.GetTimestamp() < end())
        {
            key[0]++;
            long began = Stopwatch.GetTimestamp();
            client.SaveHashKey(key);
            latencies.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return latencies;
    }
}
