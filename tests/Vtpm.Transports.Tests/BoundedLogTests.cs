using Xunit;

namespace Vtpm.Transports.Tests;

/// <summary>Lines that somebody else brings about.</summary>
public sealed class BoundedLogTests
{
    private readonly List<string> _lines = [];
    private TimeSpan _now = TimeSpan.FromHours(1);

    [Fact]
    public void Lines_BeyondTheAllowance_AreLeftOutAndCounted()
    {
        var log = new BoundedLog("guest 5", _lines.Add, () => _now, burst: 3, TimeSpan.FromSeconds(10));
        for (int i = 0; i < 10; i++) log.Write($"line {i}");
        Assert.Equal(["line 0", "line 1", "line 2"], _lines);

        _now += TimeSpan.FromSeconds(10);
        log.Write("line 10");
        log.Write("line 11");
        Assert.Equal(["guest 5: 7 lines before this one are left out", "line 10"], _lines[3..]);

        log.End();
        log.End();
        Assert.Equal(["guest 5: 1 line before this one is left out"], _lines[5..]);
    }

    [Fact]
    public void Allowance_IsWholeAgainInTime()
    {
        var log = new BoundedLog("guest 5", _lines.Add, () => _now, burst: 3, TimeSpan.FromSeconds(10));
        for (int round = 1; round <= 3; round++)
        {
            for (int i = 0; i < 3; i++) log.Write("line");
            Assert.Equal(3 * round, _lines.Count);
            _now += TimeSpan.FromSeconds(30);
        }
    }
}
