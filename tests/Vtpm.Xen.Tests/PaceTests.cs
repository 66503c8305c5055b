using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>Frontends that do without end what costs the backend something.</summary>
public sealed class PaceTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly ModelTime _time = new();
    private readonly List<string> _log = [];
    private Tpmback _back;

    public PaceTests()
    {
        _host = _model.Domain(0);
        _back = new Tpmback(_host, Answer, new TpmbackOptions { Log = _log.Add, Time = _time });
    }

    public void Dispose() => _back.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(200)]
    public void NotificationsOfNothing_AreHeardAsOftenAsAllowed_AndTheOthersAreServed(int state)
    {
        RawFrontend storm = Connected(5);
        RawFrontend good = Connected(6);
        int fired = _host.Fired;
        for (int i = 0; i < 1000; i++)
        {
            storm.State = state;
            storm.Kick();
            _back.Turn(TimeSpan.Zero);
        }

        Assert.InRange(_host.Fired - fired, 50, 70);
        good.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(2, good.State);

        fired = _host.Fired;
        _time.Pass(TimeSpan.FromMilliseconds(100));
        for (int i = 0; i < 1000; i++)
        {
            storm.Kick();
            _back.Turn(TimeSpan.Zero);
        }

        Assert.InRange(_host.Fired - fired, 5, 15);
    }

    [Fact]
    public void RequestAfterAStorm_IsServedWithinItsAllowance()
    {
        _back = new Tpmback(_host, Answer, new TpmbackOptions { Log = _log.Add });
        RawFrontend storm = Connected(5);
        for (int i = 0; i < 200; i++)
        {
            storm.Kick();
            _back.Turn(TimeSpan.Zero);
        }

        storm.Submit(RawFrontend.Command());
        // Each of these waits until something is to be done: they end by the clock alone.
        for (int i = 0; i < 10 && storm.State != 2; i++) _back.Turn(TimeSpan.FromMinutes(1));

        Assert.Equal(2, storm.State);
    }

    [Fact]
    public void RequestsThatAreNone_AreAnsweredAsOftenAsAllowed()
    {
        RawFrontend storm = Connected(5);
        int answered = 0;
        for (int i = 0; i < 1000; i++)
        {
            if (storm.State == 2) answered++;
            storm.Put(RawFrontend.Command(), length: 9);
            storm.State = 1;
            storm.Kick();
            _back.Turn(TimeSpan.Zero);
        }

        Assert.InRange(answered, 50, 70);
        _time.Pass(TimeSpan.FromSeconds(1));
        storm.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(storm.Answer));
    }

    [Fact]
    public void StatesThatChangeWithoutEnd_AreReadAsOftenAsAllowed_AndTheLastOneIsFollowed()
    {
        RawFrontend storm = Connected(5);
        RawFrontend good = Connected(6);
        int reads = _host.Reads;
        for (int i = 0; i < 2000; i++)
        {
            storm.SetState(i % 8);
            _back.Turn(TimeSpan.Zero);
        }

        int burst = _host.Reads - reads;
        Assert.InRange(burst, 1, 2000);
        for (int i = 0; i < 2000; i++)
        {
            storm.SetState(i % 7 == 0 ? 1 : 6);
            _back.Turn(TimeSpan.Zero);
        }

        Assert.Equal(burst, _host.Reads - reads);
        good.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(2, good.State);
    }

    [Fact]
    public void OpeningAndClosingWithoutEnd_LeavesNothingBehind_AndIsFollowedAfterwards()
    {
        RawFrontend storm = Connected(5);
        for (int i = 0; i < 500; i++)
        {
            storm.SetState(6);
            _back.Turn(TimeSpan.Zero);
            storm.NewPage();
            storm.Publish();
            _back.Turn(TimeSpan.Zero);
        }

        Assert.InRange(_host.Mapped, 0, 1);
        Assert.InRange(_host.Bound, 0, 1);
        storm.SetState(6);
        _time.Pass(TimeSpan.FromSeconds(1));
        _back.Turns();
        storm.SetState(1);
        storm.NewPage();
        storm.Publish();
        _time.Pass(TimeSpan.FromSeconds(1));
        _back.Turns();
        storm.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(storm.Answer));
    }

    [Fact]
    public void LogOfOneFrontend_IsBounded_AndSaysWhatItLeavesOut()
    {
        RawFrontend storm = Connected(5);
        RawFrontend other = Connected(6);
        for (int i = 0; i < 1000; i++) Bad(storm);
        Assert.InRange(_log.Count, 20, 45);

        _log.Clear();
        Bad(other);
        Assert.Contains(_log, line => line.StartsWith("frontend 6/0", StringComparison.Ordinal));
        _time.Pass(TimeSpan.FromSeconds(10));
        Bad(storm);
        Assert.Contains(_log, line => line.Contains("are left out", StringComparison.Ordinal));

        void Bad(RawFrontend guest)
        {
            _time.Pass(TimeSpan.FromMilliseconds(10));
            guest.Put(RawFrontend.Command(), length: 9);
            guest.State = 1;
            guest.Kick();
            _back.Turn(TimeSpan.Zero);
        }
    }

    [Fact]
    public void DeviceThatIsGone_IsNotFollowedLater()
    {
        RawFrontend storm = Connected(5);
        for (int i = 0; i < 200; i++)
        {
            storm.SetState(4);
            _back.Turn(TimeSpan.Zero);
        }

        storm.SetState(6);
        _back.Turns();
        _model.Remove(storm.BackendPath);
        _time.Pass(TimeSpan.FromMilliseconds(100));
        _back.Turns();
        RawFrontend next = Connected(5);
        _time.Pass(TimeSpan.FromSeconds(10));
        _back.Turns();

        Assert.Equal("4", next.BackendState);
        Assert.Equal(1, _host.Mapped);
    }

    private RawFrontend Connected(uint domain) => _back.Connect(_model.Guest(domain, Uuid));

    private static int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response) =>
        TpmMessage.WriteFailure(request, TpmResult.Success, response);
}
