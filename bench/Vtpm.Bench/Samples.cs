namespace Vtpm.Bench;

/// <summary>What was measured of one figure.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public double Median => At(0.5);

    public double P95 => At(0.95);

    public void Add(double value) => _values.Add(value);

    /// <summary>Nearest rank. A figure without a measurement is an error, not a blank.</summary>
    private double At(double quantile)
    {
        if (_values.Count == 0) throw new BenchException("a figure was not measured");
        _values.Sort();
        return _values[(int)Math.Ceiling(quantile * _values.Count) - 1];
    }
}
