using Vtpm.Storage;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>Faults of the service in its work for one vTPM, and what they cost whom.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly Backend _backend = new();

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void CallbackThatThrows_CostsItsVtpmAProcess_AndNobodyIsDeaf()
    {
        RawFrontend guest = _backend.Running(5), other = _backend.Running(6, Backend.Other);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);
        _backend.Launcher.Fault = new InvalidOperationException("a defect");
        _backend.Launcher.Started[0].Kill();
        _backend.Until(() => _backend.HasLogged("a fault of this service: System.InvalidOperationException: a defect"));

        _backend.Extend(other);
        _backend.Time.Advance(TimeSpan.FromSeconds(1));
        _backend.Until(() => _backend.Launcher.Started.Count == 3);
        Assert.Equal(before, _backend.Pcr(guest));
        Assert.Equal("4", guest.BackendState);
    }

    [Fact]
    public void ProcessWhoseEndCannotBeWaitedFor_IsReplaced_AndNotBeforeItHasEnded()
    {
        RawFrontend other = _backend.Running(6, Backend.Other);
        _backend.Launcher.HidesEnds = true;
        RawFrontend guest = _backend.Guest(5);
        _backend.Until(() => _backend.HasLogged("a fault of this service: "));
        _backend.Launcher.HidesEnds = false;
        _backend.Extend(other);
        Assert.Equal(2, _backend.Launcher.Started.Count);
        Assert.True(_backend.Launcher.Last.HasEnded(out _));

        _backend.Until(() =>
        {
            _backend.Time.Advance(TimeSpan.FromSeconds(0.1));
            return guest.BackendState == "2";
        });
        Assert.Equal(3, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void RequestOfTheServiceThatThrows_EndsNothing()
    {
        _backend.Service.Ask(() => throw new InvalidOperationException("a defect"));
        _backend.Until(() => _backend.HasLogged("a fault of this service: System.InvalidOperationException: a defect"));
        _backend.Extend(_backend.Running(5));
    }

    [Fact]
    public void ProcessThatEnds_IsNotTakenForOneThatHasClosedItsLink()
    {
        using var go = new ManualResetEventSlim();
        CloseLink(go);
        go.Set();

        _backend.Until(() => _backend.HasLogged("its process 1000 has ended by itself (exit code 0)"));
        Assert.False(_backend.HasLogged("is killed"));
    }

    [Fact]
    public void ProcessThatGoesOnWithoutItsLink_IsKilled()
    {
        using var go = new ManualResetEventSlim();
        CloseLink(go);
        _backend.Time.Advance(TimeSpan.FromSeconds(6));

        _backend.Until(() => _backend.HasLogged("it has closed its link, and goes on; its process 1000 is killed"));
        go.Set();
        _backend.Until(() => _backend.Launcher.Started.Count == 2);
    }

    /// <summary>The process of a guest that is served closes its link, and goes on until <paramref name="go"/>.</summary>
    private void CloseLink(ManualResetEventSlim go)
    {
        _backend.Launcher.Instead = (requests, _) =>
        {
            requests.Send(VtpmLinkMessage.Ready(BootOrigin.Whole));
            requests.Shutdown(System.Net.Sockets.SocketShutdown.Both);
            go.Wait();
        };
        _backend.Guest(5);
        _backend.Until(() => _backend.HasLogged("serves domain 5"));
        for (int i = 0; i < 4; i++) _backend.Service.Turn(TimeSpan.Zero);
        _backend.Launcher.Instead = null;
    }
}
