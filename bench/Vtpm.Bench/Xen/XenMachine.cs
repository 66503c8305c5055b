using System.Diagnostics;
using System.Globalization;

namespace Vtpm.Bench;

/// <summary>bench/xen: a real Xen that boots in QEMU and measures itself. Each line "FIGURE NAME NUMBER..." of its output adds to a figure.</summary>
internal sealed class XenMachine
{
    private readonly Dictionary<string, Samples> _figures = [];

    private XenMachine()
    {
    }

    /// <exception cref="BenchException">It did not come to its end, or something there failed; what it said is on standard error.</exception>
    public static XenMachine Run(string script, string vtpm, Scale scale)
    {
        var start = new ProcessStartInfo("bash", [script, vtpm, $"{scale.XenTrips} {scale.XenLoad} {scale.XenRounds}"])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        var machine = new XenMachine();
        while (process.StandardOutput.ReadLine() is { } line) machine.Add(line);
        process.WaitForExit();
        return process.ExitCode == 0 ? machine : throw new BenchException($"{script} ended with {process.ExitCode}");
    }

    /// <summary>What was measured of a figure.</summary>
    /// <exception cref="BenchException">Nothing.</exception>
    public Samples Figure(string name) =>
        _figures.TryGetValue(name, out Samples? samples) ? samples : throw new BenchException($"bench/xen did not measure {name}");

    /// <summary>From one event to another, of the same start.</summary>
    public Samples Between(string first, string second) => Figure(second).Zip(Figure(first), (end, start) => end - start);

    private void Add(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // One without a number stays a figure that was not measured.
        if (words is not ["FIGURE", var name, .. { Length: > 0 } numbers]) return;
        if (!_figures.TryGetValue(name, out Samples? samples)) _figures[name] = samples = new Samples();
        foreach (string number in numbers) samples.Add(double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture));
    }
}
