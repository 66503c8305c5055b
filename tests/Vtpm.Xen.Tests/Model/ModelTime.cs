namespace Vtpm.Xen.Tests;

/// <summary>A clock that goes when the test says so.</summary>
internal sealed class ModelTime : TimeProvider
{
    private long _now = 1_000_000;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _now;

    public void Pass(TimeSpan time) => _now += time.Ticks;
}
