using System.Diagnostics;

namespace Vtpm.Timing;

/// <summary>Two classes of inputs that an operation is to take the same time for.</summary>
/// <param name="Name">The operation.</param>
/// <param name="Classes">How the two differ.</param>
/// <param name="Measurements">How many of both together, at the usual length of a run.</param>
/// <param name="Inputs">Inputs of a class, all of one length.</param>
/// <param name="Run">The operation.</param>
/// <param name="IsControl">Whether this one leaks, to show that the measurement finds it.</param>
internal sealed record TimingCase(
    string Name, string Classes, int Measurements, Func<int, byte[][]> Inputs, Action<byte[]> Run, bool IsControl = false)
{
    private const int WarmUp = 1000;

    /// <summary>The classes come in random order, each input from the same place in memory.</summary>
    public TimingResult Measure(double length)
    {
        byte[][][] inputs = [Inputs(0), Inputs(1)];
        byte[] buffer = new byte[inputs[0][0].Length];
        var random = new Random(1);
        int count = (int)(Measurements * length) + WarmUp;
        var samples = new List<(int, long)>(count);
        for (int i = 0; i < count; i++)
        {
            int which = random.Next(2);
            byte[][] ofClass = inputs[which];
            ofClass[random.Next(ofClass.Length)].CopyTo(buffer, 0);
            long began = Stopwatch.GetTimestamp();
            Run(buffer);
            long took = Stopwatch.GetTimestamp() - began;
            if (i >= WarmUp) samples.Add((which, took));
        }

        long[] ticks = [.. samples.Select(sample => sample.Item2).Order()];
        return new TimingResult(this, samples.Count, ticks[ticks.Length / 2] * 1e6 / Stopwatch.Frequency, WelchTest.Largest(samples));
    }
}

/// <summary>What was measured.</summary>
/// <param name="Case">Of what.</param>
/// <param name="Count">Measurements.</param>
/// <param name="Median">Microseconds, those of the clock included.</param>
/// <param name="T">Welch's t, the largest.</param>
internal sealed record TimingResult(TimingCase Case, int Count, double Median, double T)
{
    /// <summary>From here on dudect speaks of a leak; below half of it, of none.</summary>
    private const double Leak = 10;

    public string Verdict => Math.Abs(T) >= Leak ? "differs" : Math.Abs(T) >= Leak / 2 ? "unclear" : "no difference found";

    /// <summary>The controls are found. What else is found is for people to judge.</summary>
    public bool IsSound => !Case.IsControl || Math.Abs(T) >= Leak;
}
