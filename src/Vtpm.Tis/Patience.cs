namespace Vtpm.Tis;

/// <summary>Looks at something until it is so, or until a time has passed.</summary>
/// <remarks>
/// The first looks follow each other at once, since registers are quick; then the pauses grow with the time that has gone by, so that waiting
/// for a key costs no processor and adds an eighth at most.
/// </remarks>
internal sealed class Patience(TimeProvider time)
{
    private const int LooksWithoutPause = 16;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(20);

    /// <returns>Whether it was so. There is always one look after the time has passed: this process may have slept through it.</returns>
    public bool Await(TimeSpan limit, Func<bool> isSo)
    {
        long start = time.GetTimestamp();
        for (int looks = 1; ; looks++)
        {
            TimeSpan elapsed = time.GetElapsedTime(start);
            if (isSo()) return true;
            if (elapsed >= limit) return false;
            if (looks >= LooksWithoutPause) Pause(elapsed, limit);
        }
    }

    private void Pause(TimeSpan elapsed, TimeSpan limit)
    {
        var pause = new TimeSpan(Math.Clamp(elapsed.Ticks / 8, ShortestPause.Ticks, LongestPause.Ticks));
        if (pause > limit - elapsed) pause = limit - elapsed;
        Task.Delay(pause, time).GetAwaiter().GetResult();
    }
}
