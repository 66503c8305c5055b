using System.Globalization;

namespace Vtpm.Xen;

/// <summary>The lines about one frontend: a few at once, then one every ten seconds, so that none fills a disk with what it does wrong.</summary>
internal sealed class FrontendLog(string name, Action<string> log, Func<TimeSpan> now)
{
    private Allowance _lines = new(burst: 32, TimeSpan.FromSeconds(10));
    private int _leftOut;

    public void Write(string line)
    {
        if (_lines.Take(now()) > TimeSpan.Zero)
        {
            _leftOut++;
            return;
        }

        if (_leftOut > 0) log(string.Create(CultureInfo.InvariantCulture, $"frontend {name}: {_leftOut} lines before this one are left out"));
        _leftOut = 0;
        log(line);
    }
}
