using System.Globalization;
using System.Net.Sockets;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>A backend whose handler answers later.</summary>
public sealed class DeferralTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly Tpmback _back;
    private readonly List<string> _log = [];
    private readonly List<TpmbackClient> _deferred = [];
    private readonly List<TpmbackClient> _closed = [];
    private Func<TpmbackClient, bool> _defers = _ => true;
    private Action? _turnEnded;

    public DeferralTests()
    {
        _host = _model.Domain(0);
        _back = new Tpmback(_host, Answer, new TpmbackOptions { Log = _log.Add, ClientClosed = _closed.Add, TurnEnded = () => _turnEnded?.Invoke() });
    }

    public void Dispose() => _back.Dispose();

    [Fact]
    public void DeferredRequest_IsAnsweredByComplete_AndNobodyElseWaits()
    {
        _defers = client => client.Domain == 5;
        RawFrontend slow = Connected(5);
        RawFrontend quick = Connected(6);
        slow.Submit(RawFrontend.Command(TpmOrdinal.CreateWrapKey));
        quick.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(1, slow.State);
        Assert.Equal(2, quick.State);
        TpmbackClient client = Assert.Single(_deferred);
        Assert.Equal(RawFrontend.Command(TpmOrdinal.CreateWrapKey), client.Request.ToArray());

        Assert.True(_back.Complete(client, Response(7)));
        Assert.Equal(2, slow.State);
        Assert.Equal(Response(7), slow.Answer);
        Assert.True(client.Request.IsEmpty);
        slow.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(2, _deferred.Count);
    }

    [Fact]
    public void EndOfATurn_ComesOnceForTheRequestsOfAllFrontends()
    {
        var batches = new List<string>();
        _turnEnded = () =>
        {
            if (_deferred.Count == 0) return;
            batches.Add(string.Join(' ', _deferred));
            foreach (TpmbackClient client in _deferred) _back.Complete(client, Response());
            _deferred.Clear();
        };
        RawFrontend[] guests = [Connected(5), Connected(6), Connected(7)];
        for (int i = 0; i < 2; i++)
        {
            foreach (RawFrontend guest in guests) guest.Submit(RawFrontend.Command());
            _back.Turn(TimeSpan.Zero);
            Assert.All(guests, guest => Assert.Equal(2, guest.State));
        }

        Assert.Equal(["5/0 6/0 7/0", "5/0 6/0 7/0"], batches);
    }

    [Fact]
    public void Frontend_HasOneRequestATurn_HoweverQuicklyItIsAnswered()
    {
        var served = new List<string>();
        RawFrontend greedy = Connected(5);
        RawFrontend other = Connected(6);
        _turnEnded = () =>
        {
            foreach (TpmbackClient client in _deferred)
            {
                served.Add(client.ToString());
                _back.Complete(client, Response());
                (client.Domain == 5 ? greedy : other).Submit(RawFrontend.Command());
            }

            _deferred.Clear();
        };
        greedy.Submit(RawFrontend.Command());
        other.Submit(RawFrontend.Command());
        for (int i = 0; i < 3; i++) _back.Turn(TimeSpan.Zero);

        Assert.Equal(["5/0", "6/0", "5/0", "6/0", "5/0", "6/0"], served);
    }

    [Fact]
    public void Frontend_ThatClosesMeanwhile_IsNotTold()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.SetState(5);
        _back.Turns();
        Assert.Equal("5", guest.BackendState);
        byte[] page = [.. guest.Page.Bytes];

        Assert.False(_back.Complete(_deferred[0], Response()));

        Assert.Equal(page, guest.Page.Bytes);
        Assert.True(_deferred[0].Request.IsEmpty);
        guest.SetState(6);
        _back.Turns();
        Assert.Equal("2", guest.BackendState);
        Assert.Equal(0, _host.Mapped);
    }

    [Fact]
    public void NextConnection_GetsNoAnswerOfTheOldOne_AndIsServedAfterIt()
    {
        RawFrontend guest = Connected(5);
        ModelPage old = guest.Page;
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.SetState(6);
        _back.Turns();
        guest.SetState(1);
        guest.NewPage();
        guest.Put(RawFrontend.Command(TpmOrdinal.Extend));
        guest.State = 1;
        guest.Publish();
        _back.Turns();
        guest.Kick();
        _back.Turns();

        Assert.Equal("4", guest.BackendState);
        Assert.Single(_deferred);
        Assert.False(_back.Complete(_deferred[0], Response(7)));
        Assert.Equal(1, guest.State);
        Assert.Equal(1, old.Bytes[4]);

        _back.Turns();
        Assert.Equal(2, _deferred.Count);
        Assert.Equal(RawFrontend.Command(TpmOrdinal.Extend), _deferred[1].Request.ToArray());
        Assert.True(_back.Complete(_deferred[1], Response(8)));
        Assert.Equal(Response(8), guest.Answer);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(3, _deferred.Count);
    }

    [Fact]
    public void Frontend_ThatDiesMeanwhile_IsClosedAndNeedsNoAnswer()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.Die();
        _back.Turns();

        Assert.Equal(_deferred, _closed);
        Assert.False(_back.Complete(_deferred[0], Response()));
        Assert.Equal(0, _host.Mapped);
        Assert.Equal(0, _host.Bound);
    }

    [Fact]
    public void Device_ThatIsRemovedAndComesAgain_GetsNoAnswerOfTheOldOne()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        _model.Remove(guest.BackendPath);
        _back.Turns();
        guest = Connected(5);
        guest.Submit(RawFrontend.Command(TpmOrdinal.Extend));
        _back.Turns();

        Assert.Equal(2, _deferred.Count);
        Assert.False(_back.Complete(_deferred[0], Response(7)));
        Assert.Equal(1, guest.State);
        Assert.True(_back.Complete(_deferred[1], Response(8)));
        Assert.Equal(Response(8), guest.Answer);
    }

    [Fact]
    public void Detach_Meanwhile_IsAnsweredAsLongAsTheFrontendIsOpen()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        _back.Turns();

        Assert.True(_back.Complete(_deferred[0], Response()));
        guest.SetState(6);
        _back.Turns();
        Assert.Equal("6", guest.BackendState);
    }

    [Fact]
    public void ExtraPagesThatAppearMeanwhile_MoveTheAnswerAndNothingElse()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.Page.Bytes[7] = 255;

        Assert.True(_back.Complete(_deferred[0], Response(7)));

        Assert.Equal(Response(7), guest.Page.Bytes[(8 + (4 * 255))..][..10]);
        Assert.Equal("4", guest.BackendState);
    }

    [Fact]
    public void ExtraPagesThatAreNotThere_EndTheFrontendAlone()
    {
        RawFrontend bad = Connected(5);
        RawFrontend good = Connected(6);
        bad.Submit(RawFrontend.Command());
        good.Submit(RawFrontend.Command());
        _back.Turns();
        bad.Page.Bytes[7] = 255;
        byte[] response = new byte[TpmMessage.MaxLength];
        response[0] = 0;
        response[1] = 0xC4;
        response[4] = 0x10;

        Assert.False(_back.Complete(_deferred[0], response));
        Assert.True(_back.Complete(_deferred[1], Response()));

        Assert.Equal("6", bad.BackendState);
        Assert.Equal(_deferred[0], Assert.Single(_closed));
        Assert.Equal(1, _host.Mapped);
    }

    [Fact]
    public void Cancel_Meanwhile_IsAnsweredAllTheSame()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.State = 3;
        guest.Kick();
        _back.Turns();
        Assert.Equal(3, guest.State);

        Assert.True(_back.Complete(_deferred[0], Response(7)));
        Assert.Equal(2, guest.State);
        Assert.Equal(Response(7), guest.Answer);
        guest.State = 0;
        _back.Turns();
        Assert.Equal(0, guest.State);
        Assert.Single(_deferred);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(77)]
    public void StateThatChangesMeanwhile_IsNoSecondRequest(int state)
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        guest.Put(RawFrontend.Command(TpmOrdinal.Extend), length: 0xFFFFFFFF);
        guest.State = state;
        guest.Kick();
        _back.Turns();

        Assert.Single(_deferred);
        Assert.Equal(RawFrontend.Command(), _deferred[0].Request.ToArray());
        Assert.True(_back.Complete(_deferred[0], Response()));
        Assert.Equal(2, guest.State);
    }

    [Fact]
    public void NotificationsMeanwhile_WakeNobody()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        int fired = _host.Fired;
        for (int i = 0; i < 100; i++)
        {
            guest.Kick();
            _back.Turn(TimeSpan.Zero);
        }

        Assert.Equal(fired, _host.Fired);
        _back.Complete(_deferred[0], Response());
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(2, _deferred.Count);
    }

    [Fact]
    public void SecondAnswer_IsDropped()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        _back.Complete(_deferred[0], Response(7));

        Assert.False(_back.Complete(_deferred[0], Response(8)));
        Assert.Equal(Response(7), guest.Answer);
    }

    [Fact]
    public void Answer_ThatIsNoMessage_IsRefusedAndNothingLeaves()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Throws<ArgumentException>(() => _back.Complete(_deferred[0], new byte[10]));
        Assert.Equal(1, guest.State);
        Assert.True(_back.Complete(_deferred[0], Response()));
    }

    [Fact]
    public void Handler_MayCompleteOthersButNotTheOneItIsCalledFor()
    {
        RawFrontend first = Connected(5);
        RawFrontend second = Connected(6);
        first.Submit(RawFrontend.Command());
        _back.Turns();
        _defers = client =>
        {
            _back.Complete(_deferred[0], Response());
            return _back.Complete(client, Response());
        };
        second.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(2, first.State);
        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(second.Answer));
        Assert.Contains(_log, line => line.Contains("is to return its answer", StringComparison.Ordinal));
    }

    [Fact]
    public void RequestThatIsDeferred_IsAnsweredByTheNextBackendWithAnError()
    {
        RawFrontend guest = Connected(5);
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        _back.Dispose();
        _host.Dispose();

        using Tpmback next = new(_model.Domain(0), Answer);
        next.Turns();

        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
        Assert.Single(_deferred);
    }

    [Fact]
    public void Descriptor_ThatIsReadable_IsToldOnTheBackendsThread()
    {
        RawFrontend guest = Connected(5);
        using Socket ours = Pair(out Socket theirs);
        using Socket __ = theirs;
        byte[] answer = new byte[10];
        _back.Attend(ours.SafeHandle, () =>
        {
            ours.Receive(answer);
            _back.Complete(_deferred[0], answer);
        });
        guest.Submit(RawFrontend.Command());
        _back.Turns();
        Assert.Equal(1, guest.State);
        theirs.Send(Response(7));
        _back.Turn(Timeout.InfiniteTimeSpan);

        Assert.Equal(Response(7), guest.Answer);
        _back.Disregard(ours.SafeHandle);
        theirs.Send(Response(8));
        _back.Turns();
        Assert.Equal(10, ours.Available);
    }

    [Fact]
    public void Descriptor_WhoseOtherEndHasGone_IsTold()
    {
        int told = 0;
        using Socket ours = Pair(out Socket theirs);
        _back.Attend(ours.SafeHandle, () =>
        {
            told++;
            _back.Disregard(ours.SafeHandle);
        });
        theirs.Dispose();
        _back.Turns();

        Assert.Equal(1, told);
    }

    [Fact]
    public void Descriptor_WhoseCallbackThrows_IsDisregarded()
    {
        int told = 0;
        using Socket ours = Pair(out Socket theirs);
        using Socket __ = theirs;
        _back.Attend(ours.SafeHandle, () => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"defect {++told}")));
        theirs.Send([1]);
        _back.Turns();

        Assert.Equal(1, told);
        Assert.Contains(_log, line => line.Contains("defect 1", StringComparison.Ordinal));
    }

    private static byte[] Response(byte result = 0) => [0, 0xC4, 0, 0, 0, 10, 0, 0, 0, result];

    private static Socket Pair(out Socket other)
    {
        string name = $"\0vtpm-{Guid.NewGuid()}";
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(name));
        listener.Listen();
        other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Connect(new UnixDomainSocketEndPoint(name));
        return listener.Accept();
    }

    private RawFrontend Connected(uint domain) => _back.Connect(_model.Guest(domain, Uuid));

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (!_defers(client)) return TpmMessage.WriteFailure(request, TpmResult.Success, response);
        _deferred.Add(client);
        return TpmServer.Deferred;
    }
}
