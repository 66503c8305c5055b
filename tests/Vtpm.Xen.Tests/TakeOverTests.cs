using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>A backend that has gone without a word, and the one that comes after it.</summary>
public sealed class TakeOverTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");
    private static readonly Guid Other = Guid.Parse("7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55");

    private readonly XenModel _model = new();
    private readonly List<string> _log = [];
    private int _served;
    private ModelHost _host;
    private Tpmback _back;

    public TakeOverTests() => (_host, _back) = Start();

    public void Dispose() => _back.Dispose();

    [Fact]
    public void ConnectedFrontend_OfABackendThatDied_IsServedOnAndNoticesNothing()
    {
        RawFrontend guest = Connected(5);
        Die();
        var states = new List<string?>();
        guest.Host.Watch($"{guest.BackendPath}/state", "test");

        Restart();
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        while (guest.Host.TryTakeWatch(out _)) states.Add(guest.BackendState);
        Assert.All(states, state => Assert.Equal("4", state));
        Assert.Equal(2, guest.State);
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal(1, _served);
    }

    [Fact]
    public void ConnectedFrontend_OfABackendThatWasStopped_IsServedOn()
    {
        RawFrontend guest = Connected(5);
        _back.Dispose();
        Assert.Equal(0, _host.Mapped);
        Assert.Equal(0, _host.Bound);
        _host.Dispose();
        Assert.Equal("4", guest.BackendState);

        Restart();
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void RequestThatWasUnderWay_IsAnsweredWithAnErrorAndNotExecuted()
    {
        RawFrontend guest = Connected(5);
        Die();
        guest.Submit(RawFrontend.Command());

        Restart();

        Assert.Equal(2, guest.State);
        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal(0, _served);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void RequestThatWasCancelledMeanwhile_LeavesThePageIdle()
    {
        RawFrontend guest = Connected(5);
        Die();
        guest.State = 3;

        Restart();

        Assert.Equal(0, guest.State);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void AnnouncedDevice_ThatNobodyHadConnected_IsConnected()
    {
        RawFrontend guest = _model.Guest(5, Uuid);
        _back.Turns();
        Die();
        guest.Put(RawFrontend.Command());
        guest.State = 1;
        guest.Publish();

        Restart();

        // No backend has seen this request: it is executed.
        Assert.Equal("4", guest.BackendState);
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Theory]
    [InlineData(5, "5")]
    [InlineData(6, "2")]
    [InlineData(1, "2")]
    public void Frontend_ThatClosedWhileNobodyWasThere_IsFollowed(int frontend, string backend)
    {
        RawFrontend guest = Connected(5);
        Die();
        guest.SetState(frontend);

        Restart();

        Assert.Equal(backend, guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Fact]
    public void Frontend_ThatClosedAndOpenedWhileNobodyWasThere_IsConnected()
    {
        RawFrontend guest = Connected(5);
        Die();
        guest.SetState(6);
        guest.NewPage();
        guest.Publish();

        Restart();
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void DeviceThatIsBeingDetached_IsClosed()
    {
        RawFrontend guest = Connected(5);
        Die();
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");

        Restart();

        Assert.Equal("6", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Fact]
    public void PortThatIsNotToBeBound_EndsTheDevice()
    {
        RawFrontend guest = Connected(5);
        Die();
        guest.Host.UnbindEventChannel(guest.Port);

        Restart();

        Assert.Equal("6", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Fact]
    public void DevicesOfAnotherVtpm_AreLeftToItsBackend()
    {
        RawFrontend other = _model.Guest(6, Other);
        _model.Write($"{other.BackendPath}/state", "4");
        other.Publish();
        _back.Turns();
        for (int i = 0; i < 5; i++) _model.Write($"{other.BackendPath}/ready", "1");
        _back.Turns();

        Assert.Equal("4", other.BackendState);
        Assert.Equal(0, _host.Mapped);
        Assert.Single(_log, line => line.Contains("turned away", StringComparison.Ordinal));
    }

    [Fact]
    public void DeviceThatWasAnotherVtpms_AndComesAgainAsOurs_IsServed()
    {
        RawFrontend guest = _model.Guest(6, Other);
        _back.Turns();
        _model.Remove(guest.BackendPath);
        _model.Announce(backend: 0, frontend: 6, device: 0, Uuid);
        _back.Turns();

        Assert.Equal("2", guest.BackendState);
    }

    private (ModelHost Host, Tpmback Back) Start()
    {
        ModelHost host = _model.Domain(0);
        return (host, new Tpmback(host, Answer, new TpmbackOptions { Log = _log.Add, ClientOpened = client => client.Uuid == Uuid }));
    }

    private void Restart()
    {
        (_host, _back) = Start();
        _back.Turns();
    }

    // What the kernel does when the process is killed: Tpmback is not asked.
    private void Die()
    {
        _host.Dispose();
        _log.Clear();
    }

    private RawFrontend Connected(uint domain) => _back.Connect(_model.Guest(domain, Uuid));

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        _served++;
        return TpmMessage.WriteFailure(request, TpmResult.Success, response);
    }
}
