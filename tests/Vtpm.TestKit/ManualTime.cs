namespace Vtpm.TestKit;

/// <summary>A clock that moves when the test says so.</summary>
public sealed class ManualTime : TimeProvider
{
    private long _ticks = TimeSpan.FromDays(1).Ticks;
    private TimeSpan _turnedBack;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(_ticks) - _turnedBack;

    public void Advance(TimeSpan time) => _ticks += time.Ticks;

    /// <summary>The time of day is corrected. No less time has passed.</summary>
    public void TurnBack(TimeSpan time) => _turnedBack += time;
}
