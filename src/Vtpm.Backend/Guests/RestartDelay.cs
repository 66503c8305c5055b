namespace Vtpm.Backend;

/// <summary>How long to wait before a process is started again: not at all after one that has served for a while, ever longer after those that have not.</summary>
internal sealed class RestartDelay
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>One that has served for so long is not one that fails at every start.</summary>
    private static readonly TimeSpan GoodLife = TimeSpan.FromSeconds(30);

    private TimeSpan _next;

    /// <param name="served">How long the process has served; zero when it never did.</param>
    public TimeSpan Next(TimeSpan served)
    {
        TimeSpan delay = served >= GoodLife ? TimeSpan.Zero : _next;
        _next = delay == TimeSpan.Zero ? First : delay * 2 < Longest ? delay * 2 : Longest;
        return delay;
    }
}
