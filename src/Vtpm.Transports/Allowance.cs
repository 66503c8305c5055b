namespace Vtpm.Transports;

/// <summary>How often somebody may cost us something: so many times at once, and once more each interval.</summary>
/// <param name="burst">How many times at once.</param>
/// <param name="interval">Until one more.</param>
public sealed class Allowance(int burst, TimeSpan interval)
{
    /// <summary>When all of it is there again.</summary>
    private TimeSpan _whole;

    /// <summary>Takes one.</summary>
    /// <returns>Zero when there was one, or how long it is until the next, with nothing taken.</returns>
    public TimeSpan Take(TimeSpan now)
    {
        TimeSpan whole = (_whole > now ? _whole : now) + interval;
        TimeSpan wait = whole - now - (interval * burst);
        if (wait > TimeSpan.Zero) return wait;
        _whole = whole;
        return TimeSpan.Zero;
    }
}
