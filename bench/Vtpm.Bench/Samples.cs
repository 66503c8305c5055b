namespace Vtpm.Bench;

/// <summary>What was measured of one figure.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public double Median => At(0.5);

    public double P95 => At(0.95);

    public void Add(double value) => _values.Add(value);

    /// <summary>Each of them in other terms.</summary>
    public Samples Select(Func<double, double> convert) => Of(_values.Select(convert));

    /// <summary>Each of them with the other's of the same round.</summary>
    public Samples Zip(Samples other, Func<double, double, double> combine) => Of(_values.Zip(other._values, combine));

    private static Samples Of(IEnumerable<double> values)
    {
        var samples = new Samples();
        samples._values.AddRange(values);
        return samples;
    }

    /// <summary>Nearest rank. A figure without a measurement is an error, not a blank.</summary>
    private double At(double quantile) =>
        _values.Count == 0 ? throw new BenchException("a figure was not measured") : _values.Order().ElementAt((int)Math.Ceiling(quantile * _values.Count) - 1);
}
