using System.Globalization;

namespace Vtpm.Transports;

/// <summary>
/// The lines about somebody who can cause them at will, a guest, a vTPM, a client: so many at once, then one in a while, so that nobody fills a disk
/// or hides what others do. What is left out is counted, and said before the next line that is not. One thread.
/// </summary>
public sealed class BoundedLog
{
    private const int DefaultBurst = 32;

    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(10);

    private readonly string _about;
    private readonly Action<string> _write;
    private readonly Func<TimeSpan> _now;
    private readonly Allowance _lines;
    private long _leftOut;

    /// <param name="about">Who it is, at the head of the line that says how many are left out.</param>
    /// <param name="write">Takes the lines.</param>
    /// <param name="now">The time that has passed since a fixed moment.</param>
    /// <param name="burst">Lines at once.</param>
    /// <param name="interval">Until one more; ten seconds by default.</param>
    public BoundedLog(string about, Action<string> write, Func<TimeSpan> now, int burst = DefaultBurst, TimeSpan? interval = null)
    {
        _about = about;
        _write = write;
        _now = now;
        _lines = new Allowance(burst, interval ?? DefaultInterval);
    }

    /// <summary>The same by a clock.</summary>
    public BoundedLog(string about, Action<string> write, TimeProvider time)
        : this(about, write, Since(time))
    {
    }

    /// <summary>Takes a line, or counts it.</summary>
    public void Write(string line)
    {
        if (_lines.Take(_now()) > TimeSpan.Zero)
        {
            _leftOut++;
            return;
        }

        TellLeftOut();
        _write(line);
    }

    /// <summary>No line comes any more: says how many were left out.</summary>
    public void End() => TellLeftOut();

    private void TellLeftOut()
    {
        if (_leftOut == 0) return;
        long count = _leftOut;
        _leftOut = 0;
        string lines = count == 1 ? "1 line before this one is" : string.Create(CultureInfo.InvariantCulture, $"{count} lines before this one are");
        _write($"{_about}: {lines} left out");
    }

    private static Func<TimeSpan> Since(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        long start = time.GetTimestamp();
        return () => time.GetElapsedTime(start);
    }
}
