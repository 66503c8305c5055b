namespace Vtpm.Timing;

/// <summary>Welch's t-test: whether two samples, of any variances, have the same mean.</summary>
internal static class WelchTest
{
    /// <summary>As dudect does it: of all measurements, and of those below each of a hundred percentiles, for the tail is the machine's noise.</summary>
    private const int Crops = 100;

    /// <returns>The t of the largest absolute value.</returns>
    public static double Largest(IReadOnlyList<(int Class, long Ticks)> samples)
    {
        long[] sorted = [.. samples.Select(sample => sample.Ticks)];
        Array.Sort(sorted);
        double largest = Statistic(samples, long.MaxValue);
        for (int i = 0; i < Crops; i++)
        {
            // Denser towards the top: 1 - 0.5^(10 (i + 1) / 100).
            double percentile = 1 - Math.Pow(0.5, 10.0 * (i + 1) / Crops);
            double t = Statistic(samples, sorted[(int)(percentile * (sorted.Length - 1))]);
            if (Math.Abs(t) > Math.Abs(largest)) largest = t;
        }

        return largest;
    }

    /// <summary>Welch's t of the measurements that are not above <paramref name="limit"/>.</summary>
    public static double Statistic(IEnumerable<(int Class, long Ticks)> samples, long limit)
    {
        Span<double> count = stackalloc double[2], mean = stackalloc double[2], squares = stackalloc double[2];
        foreach ((int which, long ticks) in samples)
        {
            if (ticks > limit) continue;
            count[which]++;
            double delta = ticks - mean[which];
            mean[which] += delta / count[which];
            squares[which] += delta * (ticks - mean[which]);
        }

        // Too few to say anything.
        if (count[0] < 500 || count[1] < 500) return 0;
        double error = squares[0] / (count[0] - 1) / count[0] + squares[1] / (count[1] - 1) / count[1];
        return error > 0 ? (mean[0] - mean[1]) / Math.Sqrt(error) : 0;
    }
}
