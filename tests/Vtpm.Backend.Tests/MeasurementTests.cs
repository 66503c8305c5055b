using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>What domain builders leave, and when guests may run; and a backend in a driver domain.</summary>
public sealed class MeasurementTests
{
    private static readonly TpmDigest Kernel = new(SHA1.HashData("kernel"u8));
    private static readonly TpmDigest Line = new(SHA1.HashData("root=/dev/xvda"u8));

    private static string Expected(params TpmDigest[] digests)
    {
        TpmDigest pcr = default;
        foreach (TpmDigest digest in digests) pcr = pcr.Extend(digest.ReadOnlySpan);
        return Convert.ToHexString(pcr.ReadOnlySpan);
    }

    [Fact]
    public void Measurements_AreExtendedBeforeTheGuestMayRun_AndOnce()
    {
        using var backend = new Backend();
        Assert.Equal("", backend.Service.Leave(Backend.Uuid, [new(4, Kernel), new(5, Line), new(5, Kernel)]));
        RawFrontend guest = backend.Guest(5);
        string? stateThen = null;
        int extended = 0;
        backend.Launcher.Before = _ =>
        {
            extended++;
            stateThen ??= guest.BackendState;
        };
        backend.Until(() => guest.BackendState == "2");
        Assert.Equal((3, "1"), (extended, stateThen));
        guest.Publish();
        backend.Until(() => guest.BackendState == "4");

        Assert.Equal(Expected(Kernel), backend.Pcr(guest, 4));
        Assert.Equal(Expected(Line, Kernel), backend.Pcr(guest, 5));
        backend.Launcher.Last.Kill();
        Assert.Equal(Expected(Kernel), backend.Pcr(guest, 4));
        guest.Die();
        backend.Detach(guest);
        backend.Until(() => backend.Service.Guests.Count == 0);
        Assert.Equal(Expected(), backend.Pcr(backend.Running(6), 4));
    }

    [Fact]
    public void RequiredMeasurement_IsWaitedFor()
    {
        using var backend = new Backend(with: options => options with { RequireMeasurement = true });
        RawFrontend guest = backend.Guest(5);
        backend.Until(() => backend.HasLogged("--require-measurement"));
        Assert.Equal("1", guest.BackendState);
        Assert.Equal(GuestState.Unmeasured, Assert.Single(backend.Service.Guests).State);
        Assert.Empty(backend.Launcher.Started);

        backend.Service.Leave(Backend.Uuid, [new(4, Kernel)]);
        backend.Until(() => guest.BackendState == "2");
    }

    [Fact]
    public void ProcessThatDiesWhileItMeasures_BeginsAgain()
    {
        using var backend = new Backend();
        backend.Service.Leave(Backend.Uuid, [new(4, Kernel), new(4, Line)]);
        RawFrontend guest = backend.Guest(5);
        int requests = 0;
        backend.Launcher.Before = _ =>
        {
            if (++requests == 2) backend.Launcher.Last.Kill();
        };
        backend.Until(() => guest.BackendState == "2");
        guest.Publish();
        backend.Until(() => guest.BackendState == "4");

        Assert.Equal(2, backend.Launcher.Started.Count);
        Assert.Equal(Expected(Kernel, Line), backend.Pcr(guest, 4));
    }

    [Fact]
    public void DriverDomain_KnowsADomainByItsNumber()
    {
        using var backend = new Backend(domain: 3);
        RawFrontend guest = backend.Running(5, start: null);
        backend.Extend(guest);
        string before = backend.Pcr(guest);
        Assert.Equal(BootOrigin.Unknown, Assert.Single(backend.Service.Guests).Boot);

        backend.Restart();
        backend.TakenOver();
        Assert.Equal(before, backend.Pcr(guest));

        // The same domain, which nobody says whether it has run: the toolstack has made the device anew, as it does when a guest soft-resets itself.
        guest.SetState(6);
        backend.Detach(guest);
        backend.Until(() => backend.Service.Guests.Count == 0);
        RawFrontend again = backend.Running(5, start: null);
        Assert.Equal(before, backend.Pcr(again));

        again.Die();
        backend.Detach(again);
        backend.Until(() => backend.Service.Guests.Count == 0);
        Assert.Equal(Expected(), backend.Pcr(backend.Running(6, start: null)));
    }

    [Fact]
    public void ServiceThatEndsBeforeTheGuestMayRun_MeasuresAllOfItAnew()
    {
        using var backend = new Backend(domain: 3);
        backend.Service.Leave(Backend.Uuid, [new(4, Kernel), new(4, Line)]);
        using var inIt = new ManualResetEventSlim();
        int requests = 0;
        backend.Launcher.Before = _ =>
        {
            if (++requests != 2) return;
            backend.Launcher.Last.Kill();
            inIt.Set();
        };
        RawFrontend guest = backend.Guest(5, start: null);
        backend.Until(() => inIt.IsSet);
        backend.Restart(isKilled: true);
        backend.Service.Leave(Backend.Uuid, [new(4, Kernel), new(4, Line)]);
        backend.Until(() => guest.BackendState == "2");
        guest.Publish();
        backend.Until(() => guest.BackendState == "4");

        Assert.Equal(Expected(Kernel, Line), backend.Pcr(guest, 4));
    }

    [Fact]
    public void GuestThatGoesUnmeasured_LeavesNothingForTheNext()
    {
        using var backend = new Backend(with: options => options with { RequireMeasurement = true });
        RawFrontend guest = backend.Guest(5);
        backend.Until(() => backend.HasLogged("--require-measurement"));
        backend.Detach(guest);
        backend.Until(() => backend.HasLogged("has given it back"));

        // For the next start, and none before it.
        backend.Service.Leave(Backend.Uuid, [new(4, Kernel)]);
        backend.Service.Turn(TimeSpan.Zero);
        Assert.Empty(backend.Launcher.Started);
        Assert.Equal(Expected(Kernel), backend.Pcr(backend.Running(6), 4));
    }
}
