using System.Buffers.Binary;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>The backend against frontends that do as they should, and against others.</summary>
public sealed class TpmbackTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly Tpmback _back;
    private readonly List<string> _log = [];
    private readonly List<string> _served = [];
    private Action<TpmbackClient>? _during;

    public TpmbackTests()
    {
        _host = _model.Domain(0);
        _back = new Tpmback(_host, Answer, new TpmbackOptions { Log = _log.Add, MaxClients = 4 });
    }

    public void Dispose() => _back.Dispose();

    [Fact]
    public void Device_IsAnnouncedToTheToolstack()
    {
        RawFrontend guest = Guest(5);

        _back.Turns();

        Assert.Equal("2", guest.BackendState);
        Assert.Equal("1", _model.Read($"{guest.BackendPath}/feature-protocol-v2"));
    }

    [Fact]
    public void Request_IsAnsweredWithTheUuidOfTheToolstackAndTheLocalityOfThePage()
    {
        RawFrontend guest = Connected(5);

        guest.Submit(RawFrontend.Command(), locality: 3);
        _back.Turns();

        Assert.Equal(2, guest.State);
        Assert.Equal([$"5/0 {Uuid} locality 3 GetTicks"], _served);
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal("4", guest.BackendState);
    }

    [Fact]
    public void Request_ThatWaitsWhenTheBackendBinds_IsServed()
    {
        RawFrontend guest = Guest(5);
        guest.Put(RawFrontend.Command());
        guest.State = 1;
        guest.Publish();

        _back.Turns();

        Assert.Equal(2, guest.State);
    }

    [Fact]
    public void Frontends_AreServedInTurn()
    {
        RawFrontend[] guests = [Connected(5), Connected(6), Connected(7)];
        foreach (RawFrontend guest in guests) guest.Submit(RawFrontend.Command());
        _back.Turn(TimeSpan.Zero);
        foreach (RawFrontend guest in guests) guest.Submit(RawFrontend.Command());
        _back.Turn(TimeSpan.Zero);

        Assert.Equal(["5", "6", "7", "5", "6", "7"], _served.Select(line => line[..1]));
    }

    [Theory]
    [InlineData(9u)]
    [InlineData(4089u)]
    [InlineData(0xFFFFFFFFu)]
    [InlineData(0u)]
    public void Length_ThatNoMessageHas_IsAnsweredWithAnErrorAndServedOn(uint length)
    {
        RawFrontend guest = Connected(5);
        guest.Put(RawFrontend.Command(), length: length);
        guest.State = 1;
        guest.Kick();
        _back.Turns();

        Assert.Equal(2, guest.State);
        Assert.Equal(TpmResult.BadParamSize, TpmMessage.ReadResult(guest.Answer));
        Assert.Empty(_served);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void Length_OtherThanParamSize_IsAnsweredWithAnError()
    {
        RawFrontend guest = Connected(5);
        byte[] command = RawFrontend.Command(length: 20);
        BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(2), 19);
        guest.Submit(command);

        _back.Turns();

        Assert.Equal(TpmResult.BadParamSize, TpmMessage.ReadResult(guest.Answer));
        Assert.Empty(_served);
    }

    [Fact]
    public void Page_ThatChangesWhileItIsRead_IsJudgedAsItWasRead()
    {
        RawFrontend guest = Connected(5);
        byte[] command = RawFrontend.Command(length: 30);
        guest.Put(command);
        guest.State = 1;
        // Whenever anything was read, the length and the header become huge.
        guest.Page.Touched = () =>
        {
            BitConverter.TryWriteBytes(guest.Page.Bytes, 0xFFFF_0000u);
            guest.Page.Bytes.AsSpan(8, 30).Fill(0xFF);
        };
        guest.Kick();

        _back.Turns();

        Assert.Equal(2, guest.State);
        Assert.Equal(TpmResult.BadParamSize, TpmMessage.ReadResult(guest.Page.Bytes.AsSpan(8, 10)));
    }

    [Fact]
    public void FurtherPages_CarryTheRestOfTheMessage()
    {
        RawFrontend guest = Connected(5);
        var further = (ModelPage)guest.Host.GrantPage(0);
        byte[] command = RawFrontend.Command(length: 4096);
        command[^1] = 0x5A;
        guest.Put(command, extraPages: 1);
        BitConverter.TryWriteBytes(guest.Page.Bytes.AsSpan(8), further.Reference);
        command.AsSpan(4084).CopyTo(further.Bytes);
        guest.State = 1;
        guest.Kick();

        _back.Turns();

        Assert.Equal(["5/0 " + Uuid + " locality 0 GetTicks"], _served);
        Assert.Equal(2, guest.State);
    }

    [Fact]
    public void FurtherPage_ThatCannotBeMapped_EndsThatFrontendAlone()
    {
        RawFrontend bad = Connected(5);
        RawFrontend good = Connected(6);
        bad.Put(RawFrontend.Command(length: 4096), extraPages: 1);
        BitConverter.TryWriteBytes(bad.Page.Bytes.AsSpan(8), 424242);
        bad.State = 1;
        bad.Kick();
        good.Submit(RawFrontend.Command());

        _back.Turns();

        Assert.Equal("6", bad.BackendState);
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(good.Answer));
    }

    [Fact]
    public void ManyFurtherPages_ThatNobodyNeeds_AreNotMapped()
    {
        RawFrontend guest = Connected(5);
        guest.Put(RawFrontend.Command(), extraPages: 255);
        guest.State = 1;
        guest.Kick();

        _back.Turns();

        Assert.Equal(2, guest.State);
        Assert.Single(_served);
        Assert.Equal(1, _host.Mapped);
    }

    [Fact]
    public void Cancel_OfNothing_MakesThePageIdle()
    {
        RawFrontend guest = Connected(5);
        guest.State = 3;
        guest.Kick();

        _back.Turns();

        Assert.Equal(0, guest.State);
        Assert.Empty(_served);
    }

    [Fact]
    public void Cancel_WhileItIsExecuted_IsAnsweredAllTheSame()
    {
        RawFrontend guest = Connected(5);
        _during = _ => guest.State = 3;
        guest.Submit(RawFrontend.Command());

        _back.Turns();

        Assert.Equal(2, guest.State);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(77)]
    public void State_OtherThanSubmit_IsNoRequest(int state)
    {
        RawFrontend guest = Connected(5);
        guest.Put(RawFrontend.Command());
        guest.State = state;
        guest.Kick();

        _back.Turns();

        Assert.Equal(state, guest.State);
        Assert.Empty(_served);
    }

    [Fact]
    public void Frontend_ClosesAndOpensAgain()
    {
        RawFrontend guest = Connected(5);
        guest.SetState(5);
        _back.Turns();
        Assert.Equal("5", guest.BackendState);
        guest.SetState(6);
        _back.Turns();
        Assert.Equal("2", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
        Assert.Equal(0, _host.Bound);

        guest.SetState(1);
        guest.NewPage();
        guest.Publish();
        _back.Turns();
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void Detach_WhileConnected_EndsTheDevice()
    {
        RawFrontend guest = Connected(5);
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        _back.Turns();
        guest.SetState(6);
        _back.Turns();

        Assert.Equal("6", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
        _model.Remove(guest.BackendPath);
        _back.Turns();
        Assert.Null(_model.Read($"{guest.BackendPath}/state"));
    }

    /// <summary>The toolstack, which is in dom0, waits for it there.</summary>
    [Fact]
    public void Detach_InADriverDomain_RemovesTheDevice()
    {
        using ModelHost driver = _model.Domain(3);
        using var back = new Tpmback(driver, Answer);
        _model.Write("/local/domain/3/domid", "3");
        _model.Announce(backend: 3, frontend: 5, device: 0, Uuid);
        _model.Announce(backend: 3, frontend: 5, device: 1, Guid.NewGuid());
        var guest = new RawFrontend(_model, 5, 0, backend: 3);
        var other = new RawFrontend(_model, 5, 1, backend: 3);
        back.Connect(guest);
        back.Connect(other);

        Detach(guest);
        Assert.Null(_model.Read($"{guest.BackendPath}/uuid"));
        Assert.Equal("4", other.BackendState);
        Detach(other);
        Assert.DoesNotContain(_model.Nodes.Keys, path => path.StartsWith("/local/domain/3/backend/vtpm/", StringComparison.Ordinal));
        Assert.Equal(0, driver.Mapped);

        void Detach(RawFrontend device)
        {
            _model.Write($"{device.BackendPath}/online", "0");
            _model.Write($"{device.BackendPath}/state", "5");
            back.Turns();
            device.SetState(6);
            back.Turns();
        }
    }

    [Fact]
    public void Detach_UnderACommand_IsServedUntilTheFrontendHasClosed()
    {
        RawFrontend guest = Connected(5);
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal("5", guest.BackendState);
        guest.SetState(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(2, guest.State);
        Assert.Equal("5", guest.BackendState);
        guest.SetState(6);
        _back.Turns();
        Assert.Equal("6", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void Detach_OfADeviceThatIsNotConnected_IsClosedAtOnce(int frontend)
    {
        RawFrontend guest = Guest(5);
        guest.SetState(frontend);
        _back.Turns();
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        _back.Turns();

        Assert.Equal("6", guest.BackendState);
    }

    [Fact]
    public void Detach_OfAFrontendThatNeverCloses_EndsWhenTheToolstackRemovesIt()
    {
        RawFrontend guest = Connected(5);
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        _back.Turns();
        Assert.Equal(1, _host.Mapped);

        _model.Remove(guest.BackendPath);
        _back.Turns();

        Assert.Equal(0, _host.Mapped);
        Assert.Equal(0, _host.Bound);
        Assert.Null(_model.Read($"{guest.BackendPath}/state"));
    }

    [Fact]
    public void Frontend_ThatDiesWhileItsCommandRuns_IsDroppedAndNobodyElse()
    {
        RawFrontend dying = Connected(5);
        RawFrontend good = Connected(6);
        _during = client =>
        {
            if (client.Domain == 5) dying.Die();
        };
        dying.Submit(RawFrontend.Command());
        good.Submit(RawFrontend.Command());

        _back.Turns();

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(good.Answer));
        Assert.Equal(1, _host.Mapped);
        Assert.Contains(_log, line => line.Contains("detached from Frontend 5/0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ring-ref", "999999")]
    [InlineData("event-channel", "999999")]
    public void Frontend_ThatNamesWhatIsNotIts_IsClosed(string name, string value)
    {
        RawFrontend guest = Guest(5);
        _back.Turns();
        guest.Publish();
        guest.Set(name, value);

        _back.Turns();

        Assert.Equal("6", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
        Assert.Equal(0, _host.Bound);
    }

    [Theory]
    [InlineData("ring-ref", "-1")]
    [InlineData("event-channel", "eleven")]
    [InlineData("feature-protocol-v2", "0")]
    public void Frontend_ThatPublishesNonsense_IsLeftAlone(string name, string value)
    {
        RawFrontend guest = Guest(5);
        _back.Turns();
        guest.Publish();
        guest.Set(name, value);

        _back.Turns();

        Assert.Equal("2", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Fact]
    public void Device_UnderAnotherDomainsNumber_IsLeftAlone()
    {
        _model.Announce(backend: 0, frontend: 5, device: 0, Uuid);
        _model.Write("/local/domain/0/backend/vtpm/5/0/frontend-id", "6");

        _back.Turns();

        Assert.Equal("1", _model.Read("/local/domain/0/backend/vtpm/5/0/state"));
    }

    [Fact]
    public void Devices_BeyondTheLimit_AreLeftWaiting()
    {
        for (uint domain = 1; domain <= 5; domain++) Guest(domain);

        _back.Turns();

        Assert.Equal(4, Enumerable.Range(1, 5).Count(domain => _model.Read($"/local/domain/0/backend/vtpm/{domain}/0/state") == "2"));
    }

    [Fact]
    public void Handler_ThatThrows_CostsOneCommand()
    {
        RawFrontend guest = Connected(5);
        _during = _ =>
        {
            _during = null;
            throw new InvalidOperationException("a defect");
        };
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));

        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public async Task Tpmfront_TalksToTpmback_AndCloses()
    {
        _model.Announce(backend: 0, frontend: 9, device: 0, Uuid);
        Task serving = Beside.Run(_back.Run);
        using (ModelHost host = _model.Domain(9))
        {
            byte[] response = new byte[TpmMessage.MaxLength];
            for (int i = 0; i < 2; i++)   // closed, and opened again
            {
                using Tpmfront front = Tpmfront.Open(host, options: Beside.Patient);
                front.Locality = 2;
                int length = front.Transmit(RawFrontend.Command(), response);
                Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(response.AsSpan(0, length)));
            }
        }

        _back.Stop();
        await serving;
        Assert.Equal([$"9/0 {Uuid} locality 2 GetTicks", $"9/0 {Uuid} locality 2 GetTicks"], _served);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Tpmfront_ThatDoesNotComeAbout_EndsTheHostItOwns(bool owns)
    {
        using ModelHost host = _model.Domain(9);
        Assert.Throws<TpmTransportException>(() => Tpmfront.Open(host, ownsHost: owns));
        Assert.Equal(!owns, _model.Hosts.Contains(host));
    }

    [Fact]
    public void Tpmfront_WithoutDevice_SaysSo()
    {
        using ModelHost host = _model.Domain(9);
        var error = Assert.Throws<TpmTransportException>(() => Tpmfront.Open(host));
        Assert.Equal(TpmTransportFault.Unavailable, error.Fault);
    }

    private RawFrontend Guest(uint domain) => _model.Guest(domain, Uuid);

    private RawFrontend Connected(uint domain) => _back.Connect(Guest(domain));

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        _served.Add($"{client} {client.Uuid} locality {locality} {TpmMessage.ReadOrdinal(request)}");
        _during?.Invoke(client);
        return TpmMessage.WriteFailure(request, TpmResult.Success, response);
    }
}
