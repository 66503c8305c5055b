namespace Vtpm.Tis.Tests.Support;

/// <summary>A clock that goes on when somebody waits, and then at once; what is due by then happens on the way.</summary>
internal sealed class SteppingTime : TimeProvider
{
    private readonly PriorityQueue<Action, long> _events = new();
    private long _ticks = TimeSpan.FromDays(1).Ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How long everything has waited so far.</summary>
    public TimeSpan Waited => new(_ticks - TimeSpan.FromDays(1).Ticks);

    public override long GetTimestamp() => _ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(_ticks);

    /// <summary>Has something happen when so much more has been waited.</summary>
    public void After(TimeSpan time, Action happens) => _events.Enqueue(happens, _ticks + time.Ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        long until = _ticks + dueTime.Ticks;
        while (_events.TryPeek(out Action? happens, out long at) && at <= until)
        {
            _events.Dequeue();
            _ticks = Math.Max(_ticks, at);
            happens();
        }

        _ticks = until;
        callback(state);
        return new Rung();
    }

    private sealed class Rung : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => false;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
