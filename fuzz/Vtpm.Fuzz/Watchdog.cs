namespace Vtpm.Fuzz;

/// <summary>Ends the process when an input takes too long, and keeps the input: afl-fuzz cannot end a single run inside a process.</summary>
internal sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _file;
    private readonly Timer _timer;
    private byte[] _input = [];
    private int _length;

    public Watchdog(string file)
    {
        _file = file;
        _timer = new Timer(_ => Bark(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Started(byte[] input, int length)
    {
        (_input, _length) = (input, length);
        _timer.Change(Patience, Timeout.InfiniteTimeSpan);
    }

    public void Ended() => _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();

    private void Bark()
    {
        File.WriteAllBytes(_file, _input.AsSpan(0, _length));
        Environment.FailFast($"an input takes longer than {Patience}");
    }
}
