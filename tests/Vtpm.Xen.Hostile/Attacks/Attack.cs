using System.Diagnostics;

namespace Vtpm.Xen.Hostile;

/// <summary>One way to break the rules.</summary>
/// <param name="Name">As it is called by.</param>
/// <param name="Closes">The backend is to close the device; else it is to serve the frontend on.</param>
/// <param name="What">For people.</param>
/// <param name="Do">Does it, for so long if it can go on. The device is closed or open, as another attack has left it.</param>
internal sealed partial record Attack(string Name, bool Closes, string What, Action<HostileFrontend, TimeSpan> Do)
{
    public static IReadOnlyList<Attack> All { get; } = [.. OfThePage(), .. OfXenstore()];

    /// <summary>Attacks, and looks whether the backend did what it is to do.</summary>
    /// <exception cref="AttackException">It did not.</exception>
    public void Make(HostileFrontend front, TimeSpan time)
    {
        Do(front, time);
        // In a driver domain the backend removes what it has closed.
        if (Closes) front.Await(() => front.BackendState is 6 or 0, "the backend closes the device");
        else front.Ask();
    }

    private static void Repeat(TimeSpan time, Action<int> action)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; Stopwatch.GetElapsedTime(start) < time; i++) action(i);
    }

    private static void Expect(bool condition, string otherwise)
    {
        if (!condition) throw new AttackException(otherwise);
    }
}
