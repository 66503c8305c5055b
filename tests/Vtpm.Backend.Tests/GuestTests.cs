using Vtpm.Storage;
using Vtpm.Wire;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>Guests that come, use their vTPMs, and go; and what becomes of the PCRs.</summary>
public sealed class GuestTests : IDisposable
{
    private const string Zeros = "0000000000000000000000000000000000000000";

    private readonly Backend _backend = new();

    public void Dispose() => _backend.Dispose();

    [Fact]
    public void Guest_MayRunWhenItsVtpmHasStarted_AndIsServed()
    {
        RawFrontend guest = _backend.Running(5);

        _backend.Extend(guest);

        Assert.NotEqual(Zeros, _backend.Pcr(guest));
        Assert.Equal([$"{Backend.Uuid} "], _backend.Manager!.Introduced);
        Assert.Equal(VtpmImage.DefaultLength, new FileInfo(Path.Combine(_backend.Images, $"{Backend.Uuid}.img")).Length);
        GuestStatus status = Assert.Single(_backend.Service.Guests);
        Assert.Equal((Backend.Uuid, 5u, GuestState.Serving, BootOrigin.Whole, 0, ""), (status.Uuid, status.Domain, status.State, status.Boot, status.Restarts, status.Fault));
    }

    [Fact]
    public void Guest_WhoseVtpmIsSlow_DelaysNobody()
    {
        RawFrontend slow = _backend.Running(5);
        RawFrontend quick = _backend.Running(6, Backend.Other);
        using var go = new ManualResetEventSlim();
        _backend.Launcher.Before = uuid =>
        {
            if (uuid == Backend.Uuid) go.Wait(TestContext.Current.CancellationToken);
        };
        slow.Submit(Backend.ExtendOf(4));

        for (int i = 0; i < 5; i++) _backend.Extend(quick);

        Assert.Equal(1, slow.State);
        go.Set();
        _backend.Until(() => slow.State == 2);
        Assert.Equal(TpmResult.Success, Transports.TpmMessage.ReadResult(slow.Answer));
    }

    [Fact]
    public void Frontend_ThatClosesAndOpens_KeepsItsVtpm()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);
        guest.SetState(5);
        guest.SetState(6);
        _backend.Until(() => guest.BackendState == "2");
        guest.NewPage();
        guest.Publish();
        _backend.Until(() => guest.BackendState == "4");

        Assert.Equal(before, _backend.Pcr(guest));
        Assert.Single(_backend.Launcher.Started);
    }

    [Theory]
    [InlineData(6u, "1000.00")]
    [InlineData(5u, "2000.00")]
    public void AnotherDomain_IsAPlatformThatWasReset(uint domain, string start)
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.Launcher.Last.HasEnded(out _));

        RawFrontend next = _backend.Running(domain, start: start);

        Assert.Equal(Zeros, _backend.Pcr(next));
        Assert.Equal(2, _backend.Launcher.Started.Count);
        Assert.DoesNotContain(_backend.Log, line => line.Contains("ended by itself", StringComparison.Ordinal));
    }

    [Fact]
    public void DeviceThatIsTakenAwayAndGivenBack_HasItsPcrsStill()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);
        guest.SetState(6);
        _backend.Detach(guest);
        _backend.Until(() => _backend.Service.Guests.Count == 0);

        RawFrontend again = _backend.Running(5, hasRun: true);

        Assert.Equal(before, _backend.Pcr(again));
        Assert.Equal(BootOrigin.Whole, Assert.Single(_backend.Service.Guests).Boot);
    }

    [Fact]
    public void GuestThatSoftResetsItself_HasItsPcrsStill()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        string before = _backend.Pcr(guest);
        guest.SetState(6);
        _backend.Detach(guest);
        _backend.Until(() => _backend.Service.Guests.Count == 0);

        // The toolstack makes everything anew, in the same domain.
        RawFrontend again = _backend.Running(5, hasRun: true, start: "2000.00");

        Assert.Equal(before, _backend.Pcr(again));
    }

    [Fact]
    public void GuestThatRanBefore_HasNoRecordOfItsBoot()
    {
        RawFrontend guest = _backend.Running(5, hasRun: true);

        Assert.Equal(Zeros, _backend.Pcr(guest));
        Assert.Equal(BootOrigin.Attached, Assert.Single(_backend.Service.Guests).Boot);
        Assert.True(_backend.HasLogged("no record of its boot"));
    }

    [Fact]
    public void SecondDomainWithTheSameUuid_IsRefusedAndTheFirstServedOn()
    {
        RawFrontend guest = _backend.Running(5);
        RawFrontend second = _backend.Guest(6);
        _backend.Until(() => _backend.HasLogged("while domain 5 has it"));

        Assert.Equal("1", second.BackendState);
        _backend.Extend(guest);
        Assert.Single(_backend.Launcher.Started);
    }

    [Fact]
    public void SecondDomainWithTheSameUuid_HasItsVtpmWhenTheFirstHasGone()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        RawFrontend second = _backend.Guest(6);
        _backend.Until(() => _backend.HasLogged("while domain 5 has it"));
        RawFrontend third = _backend.Guest(7);
        _backend.Until(() => _backend.HasLogged("frontend 7/0 asks"));
        guest.Die();
        _backend.Detach(guest);

        _backend.Connected(second);

        Assert.Equal(Zeros, _backend.Pcr(second));
        Assert.Equal("1", third.BackendState);
    }

    [Fact]
    public void GuestThatWasRestored_HasNoRecordOfItsBoot_NorFreshPcrs()
    {
        RawFrontend guest = _backend.Running(5);
        _backend.Extend(guest);
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.Service.Guests.Count == 0);

        RawFrontend restored = _backend.Restored(6);

        for (int pcr = 0; pcr < 16; pcr++) Assert.NotEqual(Zeros, _backend.Pcr(restored, pcr));
        Assert.Equal(BootOrigin.Lost, Assert.Single(_backend.Service.Guests).Boot);
        Assert.True(_backend.HasLogged("restored or migrated"));
        restored.Die();
        _backend.Detach(restored);
        _backend.Until(() => _backend.Service.Guests.Count == 0);
        Assert.Equal(Zeros, _backend.Pcr(_backend.Running(7)));
    }

    [Fact]
    public void SeveralDevicesOfOneDomain_ShareTheirVtpm()
    {
        RawFrontend first = _backend.Running(5);
        _backend.Model.Announce(0, 5, device: 1, Backend.Uuid);
        var second = new RawFrontend(_backend.Model, 5, device: 1, host: first.Host);
        _backend.Until(() => second.BackendState == "2");
        second.Publish();
        _backend.Until(() => second.BackendState == "4");

        first.Submit(Backend.ExtendOf(4));
        second.Submit(Backend.ExtendOf(4));
        _backend.Until(() => first.State == 2 && second.State == 2);

        Assert.Equal(_backend.Pcr(first), _backend.Pcr(second));
        Assert.Single(_backend.Launcher.Started);
    }

    [Fact]
    public void NilUuid_IsRefused()
    {
        RawFrontend guest = _backend.Guest(5, Guid.Empty);
        _backend.Until(() => _backend.HasLogged("no uuid"));

        Assert.Equal("1", guest.BackendState);
        Assert.Empty(_backend.Launcher.Started);
    }

    [Fact]
    public void Locality_IsTheFrontends()
    {
        RawFrontend guest = _backend.Running(5);
        guest.Submit(Backend.ExtendOf(20), locality: 0);
        _backend.Until(() => guest.State == 2);
        Assert.Equal(TpmResult.BadLocality, Transports.TpmMessage.ReadResult(guest.Answer));
        guest.Submit(Backend.ExtendOf(20), locality: 2);
        _backend.Until(() => guest.State == 2);
        Assert.Equal(TpmResult.Success, Transports.TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void GuestThatGoes_TakesItsProcessWithIt()
    {
        RawFrontend guest = _backend.Running(5);
        guest.Die();
        _backend.Detach(guest);

        _backend.Until(() => _backend.Service.Guests.Count == 0);

        Assert.True(_backend.Launcher.Last.HasEnded(out string how));
        Assert.Equal("exit code 0", how);
    }

    [Fact]
    public void ImageThatIsGone_IsNoNewTpmWhenTheManagerKnowsOfOne()
    {
        RawFrontend guest = _backend.Running(5);
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.Service.Guests.Count == 0);
        string image = Path.Combine(_backend.Images, $"{Backend.Uuid}.img");
        File.Move(image, image + ".away");
        byte[] key = _backend.Manager!.Keys[Backend.Uuid];

        RawFrontend next = _backend.Guest(6);
        RawFrontend other = _backend.Running(7, Backend.Other);
        _backend.Until(() => _backend.HasLogged("does not exist"));

        Assert.Equal("1", next.BackendState);
        Assert.False(File.Exists(image));
        Assert.Equal(key, _backend.Manager.Keys[Backend.Uuid]);
        _backend.Extend(other);
    }

    [Fact]
    public void ImageInUse_IsItsGuestsTroubleAlone()
    {
        Directory.CreateDirectory(_backend.Images);
        using FileBlockStore held = FileBlockStore.OpenOrCreate(Path.Combine(_backend.Images, $"{Backend.Uuid}.img"), VtpmImage.DefaultLength);
        RawFrontend guest = _backend.Guest(5);
        RawFrontend other = _backend.Running(7, Backend.Other);
        _backend.Until(() => _backend.HasLogged("in use by another process"));

        Assert.Equal("1", guest.BackendState);
        _backend.Extend(other);
        held.Dispose();
        _backend.Time.Advance(TimeSpan.FromMinutes(1));
        _backend.Until(() => guest.BackendState == "2");
    }
}
