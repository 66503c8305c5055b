using System.Diagnostics;
using System.Globalization;

namespace Vtpm.Bench;

/// <summary>What the kernel says of a process.</summary>
internal sealed class ProcessFigures(int pid, string name)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The proportional set size in KiB: its own memory, and its share of what others map too.</summary>
    public double ReadPss()
    {
        WaitUntilIdle();
        return Number("smaps_rollup", "Pss:");
    }

    /// <summary>CPU time of all threads, in microseconds.</summary>
    public double ReadCpu()
    {
        // The kernel accounts a thread's time when it stops running: what it runs right now is not yet in the figure.
        WaitUntilIdle();
        return Tasks().Sum(task => double.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture)) / 1000;
    }

    /// <summary>Bytes that it has given to write and pwrite: to files and pipes, not to sockets, for which there is send.</summary>
    public double ReadWritten() => Number("io", "wchar:");

    private double Number(string file, string field)
    {
        foreach (string line in File.ReadLines($"/proc/{pid}/{file}"))
            if (line.StartsWith(field, StringComparison.Ordinal)) return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        throw new BenchException($"/proc/{pid}/{file} has no {field}");
    }

    private string[] Tasks() => Directory.GetDirectories($"/proc/{pid}/task");

    private void WaitUntilIdle()
    {
        long began = Stopwatch.GetTimestamp();
        while (Tasks().Any(IsRunning))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new BenchException($"{name} does not come to rest");
            _ = LibC.usleep(20);
        }
    }

    private static bool IsRunning(string task)
    {
        string stat = File.ReadAllText(Path.Combine(task, "stat"));
        return stat[stat.LastIndexOf(')') + 2] == 'R';
    }
}
