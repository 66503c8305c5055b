namespace Vtpm.Backend;

/// <summary>What is to be done later, on the service's thread.</summary>
internal sealed class Alarms(TimeProvider time)
{
    private readonly PriorityQueue<Action, long> _set = new();

    /// <summary>When the next is due, as a timestamp.</summary>
    public long Due => _set.TryPeek(out _, out long due) ? due : long.MaxValue;

    /// <summary>Sets one. It cannot be taken back: what it does looks at what is still so.</summary>
    public void Set(TimeSpan delay, Action action) =>
        _set.Enqueue(action, time.GetTimestamp() + (long)(delay.TotalSeconds * time.TimestampFrequency));

    /// <summary>Takes the next that is due.</summary>
    /// <returns>False when none is.</returns>
    public bool TryTake(out Action? action)
    {
        action = null;
        return Due <= time.GetTimestamp() && _set.TryDequeue(out action, out _);
    }
}
