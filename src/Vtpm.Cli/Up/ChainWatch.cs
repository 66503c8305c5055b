using System.Runtime.InteropServices;

namespace Vtpm.Cli;

/// <summary>What ends a chain: a signal to us, or one of its programs that ends by itself.</summary>
internal sealed class ChainWatch : IDisposable
{
    /// <summary>Ctrl-C reaches a program that is starting as well as us; its end may be seen first.</summary>
    private static readonly TimeSpan SignalPatience = TimeSpan.FromMilliseconds(300);

    private readonly ManualResetEvent _stop = new(false);
    private readonly ManualResetEvent _told = new(false);
    private readonly PosixSignalRegistration[] _signals;

    public ChainWatch() =>
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Stop))];

    /// <summary>The program that has ended by itself; null when none has, or when we were told to stop.</summary>
    public string? Ended { get; private set; }

    public void Wait() => _stop.WaitOne();

    /// <summary>Waits for <paramref name="ready"/>.</summary>
    /// <exception cref="OperationCanceledException">We were told to stop meanwhile.</exception>
    public void WaitFor(WaitHandle ready)
    {
        if (WaitHandle.WaitAny([_told, ready]) == 0) throw new OperationCanceledException();
    }

    /// <summary>Whether we were told to stop; to be asked when a program has ended before it was ready.</summary>
    public bool WasToldToStop() => _told.WaitOne(SignalPatience);

    public void HasEnded(string name)
    {
        if (!_told.WaitOne(SignalPatience)) Ended = name;
        _stop.Set();
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals) signal.Dispose();
        _stop.Dispose();
        _told.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        _told.Set();
        _stop.Set();
    }
}
