using Vtpm.Transports;

namespace Vtpm.Xen.Tests;

/// <summary>
/// Runs what blocks on a thread of its own. The pool's threads are as many as the processors: tests that wait for each other there wait for the pool too,
/// and a connection is given up after seconds.
/// </summary>
internal static class Beside
{
    /// <summary>For a link to what runs beside: a machine that stands still for seconds is no failure.</summary>
    public static TpmConnectionOptions Patient { get; } = new() { ConnectTimeout = TimeSpan.FromMinutes(5) };

    public static Task Run(Action action) => Run(() =>
    {
        action();
        return true;
    });

    public static Task<T> Run<T>(Func<T> function) =>
        Task.Factory.StartNew(function, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
