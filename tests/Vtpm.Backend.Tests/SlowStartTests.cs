using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>vTPMs that take longer to start than the toolstack waits for a device, or do not start.</summary>
public sealed class SlowStartTests : IDisposable
{
    private readonly Backend _backend = new();
    private readonly ManualResetEventSlim _go = new();

    public void Dispose()
    {
        _go.Set();
        _backend.Dispose();
        _go.Dispose();
    }

    [Fact]
    public void SlowVtpm_IsAnnouncedBeforeTheToolstackGivesUp_AndTheFirstCommandWaitsForIt()
    {
        RawFrontend guest = Starting();
        Assert.Equal("1", guest.BackendState);
        RawFrontend running = Announced(guest);
        running.Submit(Backend.ExtendOf(4));
        Turns();
        _backend.Time.Advance(TimeSpan.FromSeconds(90));
        Turns();
        Assert.Equal(1, running.State);

        _go.Set();
        _backend.Until(() => running.State == 2);

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(running.Answer));
        GuestStatus status = Assert.Single(_backend.Service.Guests);
        Assert.Equal((GuestState.Serving, BootOrigin.Whole, 0), (status.State, status.Boot, status.Restarts));
    }

    [Fact]
    public void FirstCommand_IsRetryBeforeTheDriverGivesUp_AndLaterOnesAfterALittle()
    {
        RawFrontend guest = Announced(Starting());
        guest.Submit(Backend.ExtendOf(4));
        Turns();
        _backend.Time.Advance(TimeSpan.FromSeconds(101));
        _backend.Until(() => guest.State == 2);
        Assert.Equal(TpmResult.Retry, TpmMessage.ReadResult(guest.Answer));

        guest.Submit(Backend.ExtendOf(4));
        Turns();
        _backend.Time.Advance(TimeSpan.FromSeconds(3));
        _backend.Until(() => guest.State == 2);
        Assert.Equal(TpmResult.Retry, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal("4", guest.BackendState);

        // It has not been executed by anybody.
        _go.Set();
        Assert.Equal(new string('0', 40), _backend.Pcr(guest));
    }

    [Fact]
    public void VtpmThatFailsToStart_IsNotAnnounced_ForTheToolstackToSaySo()
    {
        _backend.StopManager();
        RawFrontend guest = _backend.Guest(5);
        _backend.Until(() => _backend.HasLogged("started again in 0.25 s"));

        _backend.Time.Advance(TimeSpan.FromSeconds(11));
        _backend.Until(() => _backend.HasLogged("started again in 0.5 s"));
        Assert.Equal("1", guest.BackendState);

        _backend.StartManager();
        _backend.Time.Advance(TimeSpan.FromSeconds(1));
        _backend.Until(() => guest.BackendState == "2");
    }

    [Fact]
    public void VtpmThatFailsWhenItWasAnnounced_IsStartedAgainForTheCommandThatWaits()
    {
        RawFrontend guest = Announced(Starting());
        guest.Submit(Backend.ExtendOf(4));
        Turns();
        _backend.Launcher.Last.Kill();
        _go.Set();
        _backend.Until(() => guest.State == 2);

        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
        Assert.Equal(2, _backend.Launcher.Started.Count);
        Assert.Equal(BootOrigin.Whole, Assert.Single(_backend.Service.Guests).Boot);
    }

    [Fact]
    public void GuestThatGoesMeanwhile_LeavesNothing_AndTheNextIsServed()
    {
        RawFrontend guest = Announced(Starting());
        guest.Submit(Backend.ExtendOf(4));
        Turns();
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.HasLogged("domain 5 has given it back"));
        RawFrontend next = _backend.Guest(6);

        // The old start is still under way: nor is the toolstack of the next guest kept waiting for its end.
        _backend.Until(() => _backend.HasLogged("domain 6 has it"));
        Announced(next);
        _go.Set();

        Assert.Equal(new string('0', 40), _backend.Pcr(next));
        Assert.Equal(2, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void WhatWasMeasured_IsExtendedBeforeTheFirstCommand_HoweverLate()
    {
        var kernel = new TpmDigest(SHA1.HashData("kernel"u8));
        _backend.Service.Leave(Backend.Uuid, [new(4, kernel)]);
        RawFrontend guest = Announced(Starting());
        _go.Set();

        Assert.Equal(Convert.ToHexString(default(TpmDigest).Extend(kernel.ReadOnlySpan).ReadOnlySpan), _backend.Pcr(guest));
    }

    [Fact]
    public void ServiceThatEndsWhileItStarts_LeavesAGuestWhoseBootNobodyKnows()
    {
        RawFrontend guest = Announced(Starting());
        _backend.Launcher.Last.Kill();
        _go.Set();
        _backend.Restart(isKilled: true);
        _backend.TakenOver();

        Assert.NotEqual(new string('0', 40), _backend.Pcr(guest));
        Assert.Equal(BootOrigin.Lost, Assert.Single(_backend.Service.Guests).Boot);
    }

    [Fact]
    public void RequiredMeasurement_HoldsTheNextGuestWhileTheLastOneEnds()
    {
        using var backend = new Backend(with: options => options with { RequireMeasurement = true });
        backend.Service.Leave(Backend.Uuid, [new(4, default)]);
        RawFrontend guest = backend.Running(5);
        backend.SubmitHeld(guest, _go);
        guest.Die();
        backend.Detach(guest);
        RawFrontend next = backend.Guest(6);
        backend.Until(() => backend.HasLogged("domain 6 has it"));
        backend.Time.Advance(TimeSpan.FromSeconds(11));
        for (int i = 0; i < 4; i++) backend.Service.Turn(TimeSpan.Zero);
        _go.Set();
        backend.Until(() => backend.HasLogged("--require-measurement"));

        Assert.Equal("1", next.BackendState);
    }

    /// <summary>A guest whose vTPM is about to start its TPM.</summary>
    private RawFrontend Starting()
    {
        _backend.Launcher.Starting = _ => _go.Wait();
        RawFrontend guest = _backend.Guest(5);
        _backend.Until(() => _backend.Launcher.Started.Count == 1);
        return guest;
    }

    /// <summary>The service has waited for long enough, and the guest is let run.</summary>
    private RawFrontend Announced(RawFrontend guest)
    {
        _backend.Time.Advance(TimeSpan.FromSeconds(5));
        return _backend.Connected(guest);
    }

    private void Turns()
    {
        for (int i = 0; i < 4; i++) _backend.Service.Turn(TimeSpan.Zero);
    }
}
