using System.Net.Sockets;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>Processes that die, hang or go bad under their guests; the manager and the service that go and come again.</summary>
public sealed class DeathTests : IDisposable
{
    private readonly Backend _backend = new();

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void ProcessThatDies_IsReplacedWithItsPcrs_AndTheGuestNoticesNothing()
    {
        RawFrontend guest = _backend.Running(5);
        for (int i = 0; i < 3; i++)
        {
            _backend.Extend(guest);
            string before = _backend.Pcr(guest);
            _backend.Launcher.Last.Kill();
            _backend.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(before, _backend.Pcr(guest));
        }

        GuestStatus status = Assert.Single(_backend.Service.Guests);
        Assert.Equal((3, BootOrigin.Whole, "4"), (status.Restarts, status.Boot, guest.BackendState));
        Assert.Equal(4, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void RequestThatAProcessDiesWith_IsAnsweredWithAnError()
    {
        RawFrontend guest = _backend.Running(5);
        using var go = new ManualResetEventSlim();
        _backend.SubmitHeld(guest, go);
        _backend.Launcher.Last.Kill();
        go.Set();
        _backend.Until(() => guest.State == 2);

        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
        _backend.Launcher.Before = null;
        _backend.Extend(guest);
    }

    [Fact]
    public void RequestsWhileThereIsNoProcess_WaitForALittleAndAreRetry()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        _backend.StopManager();
        _backend.Launcher.Last.Kill();
        _backend.Until(() => _backend.HasLogged("ended by itself"));
        guest.Submit(Backend.ExtendOf(4));
        _backend.Service.Turn(TimeSpan.Zero);
        Assert.Equal(1, guest.State);

        _backend.Time.Advance(TimeSpan.FromSeconds(3));
        _backend.Until(() => guest.State == 2);

        Assert.Equal(TpmResult.Retry, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void RestartsThatFail_ComeEverLater_AndSucceedWhenTheManagerIsThere()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);
        _backend.StopManager();
        _backend.Launcher.Last.Kill();
        _backend.Until(() => _backend.HasLogged("started again in 0.25 s"));
        _backend.Time.Advance(TimeSpan.FromSeconds(0.3));
        _backend.Until(() => _backend.HasLogged("started again in 0.5 s"));
        Assert.Equal(GuestState.Waiting, Assert.Single(_backend.Service.Guests).State);

        _backend.StartManager();
        _backend.Time.Advance(TimeSpan.FromSeconds(0.6));

        Assert.Equal(before, _backend.Pcr(guest));
    }

    [Fact]
    public void GuestThatGoesWhileItHasNoProcess_GetsNone_AndTheNextBeginsAnew()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        _backend.StopManager();
        _backend.Launcher.Last.Kill();
        _backend.Until(() => _backend.HasLogged("started again in 0.25 s"));
        _backend.StartManager();
        int started = _backend.Launcher.Started.Count;
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.HasLogged("has given it back"));
        _backend.Time.Advance(TimeSpan.FromMinutes(2));
        for (int i = 0; i < 4; i++) _backend.Service.Turn(TimeSpan.Zero);

        Assert.Equal(started, _backend.Launcher.Started.Count);
        RawFrontend next = _backend.Running(6);
        Assert.Equal("0000000000000000000000000000000000000000", _backend.Pcr(next));
    }

    [Fact]
    public void ManagerThatAnswersNothing_IsNotWaitedForWithoutEnd()
    {
        _backend.StopManager();
        using var hung = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        hung.Bind(new UnixDomainSocketEndPoint(_backend.ManagerSocket));
        hung.Listen(8);
        _backend.Guest(5);

        var connections = new List<Socket>();
        _backend.Until(() =>
        {
            // Not before: the same clock says how long a process may take to start.
            if (hung.Poll(0, SelectMode.SelectRead))
            {
                connections.Add(hung.Accept());
                _backend.Time.Advance(TimeSpan.FromSeconds(61));
            }

            return _backend.HasLogged("the manager has not answered within 60 seconds");
        });

        Assert.False(_backend.HasLogged("is killed"));
        connections.ForEach(connection => connection.Dispose());
    }

    [Fact]
    public void ManagerThatIsRestarted_IsFoundAgain()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.StopManager();
        _backend.StartManager();

        // TPM_SaveState is a change that lasts, and goes to the manager.
        Assert.Equal(TpmResult.Success, _backend.Send(guest, RawFrontend.Command(TpmOrdinal.SaveState)));
        Assert.Equal([$"{Backend.Uuid} "], _backend.Manager!.Introduced);
        Assert.Single(_backend.Launcher.Started);
    }

    [Fact]
    public void ManagerThatIsGone_IsTryAgainForWhatLasts_AndNothingElse()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.StopManager();

        Assert.Equal(TpmResult.Retry, _backend.Send(guest, RawFrontend.Command(TpmOrdinal.SaveState)));
        _backend.Extend(guest);
    }

    [Fact]
    public void ProcessThatHangs_IsKilledAfterTheLongestDuration()
    {
        RawFrontend guest = _backend.Running(5);
        using var go = new ManualResetEventSlim();
        _backend.Launcher.Before = _ => go.Wait();
        guest.Submit(Backend.ExtendOf(4));
        _backend.Service.Turn(TimeSpan.FromMilliseconds(20));
        _backend.Time.Advance(TimeSpan.FromMinutes(10));
        _backend.Service.Turn(TimeSpan.Zero);
        Assert.False(_backend.Launcher.Last.HasEnded(out _));

        _backend.Time.Advance(TimeSpan.FromMinutes(2));
        _backend.Until(() => guest.State == 2);

        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
        Assert.True(_backend.HasLogged("has not answered"));
        go.Set();
    }

    [Theory]
    [InlineData("")]
    [InlineData("03")]
    [InlineData("02 00c4 0000000b 00000000")]
    [InlineData("02 00c4 00000009 000000")]
    [InlineData("01 01")]
    public void AnswerThatIsNone_EndsTheProcess(string answer)
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Launcher.Instead = (requests, _) =>
        {
            byte[] buffer = new byte[8192];
            requests.Send(VtpmLinkMessage.Ready(BootOrigin.Whole));
            requests.Receive(buffer);
            requests.Send(Convert.FromHexString(answer.Replace(" ", "", StringComparison.Ordinal)));
            requests.Receive(buffer);
        };
        _backend.Launcher.Last.Kill();
        guest.Submit(Backend.ExtendOf(4));
        _backend.Until(() =>
        {
            // A message without a byte could be the end of a process that ends, which is waited for.
            if (_backend.HasLogged("as process 1001")) _backend.Time.Advance(TimeSpan.FromSeconds(0.1));
            return guest.State == 2;
        });

        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
        _backend.Launcher.Instead = null;
    }

    [Fact]
    public void MoreThanWasAsked_EndsTheProcess()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Launcher.Instead = (requests, _) =>
        {
            requests.Send(VtpmLinkMessage.Ready(BootOrigin.Whole));
            requests.Send(Convert.FromHexString("0200c40000000a00000000"));
            requests.Receive(new byte[8192]);
        };
        _backend.Launcher.Last.Kill();
        _backend.Until(() => _backend.HasLogged("was not asked for"));
        _backend.Launcher.Instead = null;
        _backend.Time.Advance(TimeSpan.FromMinutes(1));
        _backend.Extend(guest);
    }

    [Fact]
    public void ProcessThatAsksForConnectionsWithoutEnd_GetsFewAndDelaysNobody()
    {
        RawFrontend other = _backend.Running(6, Backend.Other);
        int refused = 0;
        _backend.Launcher.Instead = (requests, manager) =>
        {
            requests.Send(VtpmLinkMessage.Ready(BootOrigin.Whole));
            while (refused < 3)
            {
                try
                {
                    Confinement.ParentLink.Connect(manager.SafeHandle).Dispose();
                }
                catch (Confinement.ConfinementException)
                {
                    refused++;
                }
            }
        };
        _backend.Guest(5);
        _backend.Until(() => refused == 3);

        Assert.InRange(_backend.Manager!.Introduced.Count(line => line.StartsWith(Backend.Uuid.ToString(), StringComparison.Ordinal)), 1, 4);
        _backend.Extend(other);
        _backend.Launcher.Instead = null;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ServiceThatComesAgain_GoesOnWithTheGuestsAndTheirPcrs(bool isKilled)
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);

        _backend.Restart(isKilled);
        _backend.TakenOver();

        Assert.Equal("4", guest.BackendState);
        Assert.Equal(before, _backend.Pcr(guest));
        Assert.Equal(BootOrigin.Whole, Assert.Single(_backend.Service.Guests).Boot);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RecordThatIsLostUnderAGuest_IsNoFreshBoot(bool isDamaged)
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string path = Path.Combine(_backend.Records, $"{Backend.Uuid}.boot");
        _backend.Service.Dispose();
        if (isDamaged) File.WriteAllBytes(path, new byte[BootRecord.Length]);
        else File.Delete(path);

        _backend.Restart();
        _backend.TakenOver();

        Assert.NotEqual(new string('0', 40), _backend.Pcr(guest, 0));
        Assert.Equal(BootOrigin.Lost, Assert.Single(_backend.Service.Guests).Boot);
        Assert.True(_backend.HasLogged("record of the guest's boot is lost"));
    }

    [Fact]
    public void ServiceThatEnds_FinishesWhatIsUnderWay()
    {
        RawFrontend guest = _backend.Running(5);
        using var inIt = new ManualResetEventSlim();
        _backend.Launcher.Before = _ => inIt.Set();
        guest.Submit(Backend.ExtendOf(4));
        _backend.Until(() => inIt.IsSet);

        _backend.Service.Dispose();

        Assert.Equal(2, guest.State);
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
        Assert.True(_backend.Launcher.Last.HasEnded(out string how));
        Assert.Equal("exit code 0", how);
        Assert.Equal("4", guest.BackendState);
    }
}
