using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>A backend that is there before the TPM behind it.</summary>
public sealed class EarlyTpmbackTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly EarlyTpmback _back;
    private int _served;

    public EarlyTpmbackTests()
    {
        _host = _model.Domain(0);
        _back = new EarlyTpmback(_host, new TpmbackOptions());
    }

    public void Dispose()
    {
        _back.Dispose();
        _host.Dispose();
    }

    [Fact]
    public async Task Request_WaitsForTheTpm()
    {
        RawFrontend guest = Asking(5);
        Assert.Equal((1, 0), (guest.State, _served));
        int servedBefore = -1;

        Task serving = Task.Run(() => _back.Serve(Answer, () => servedBefore = _served), TestContext.Current.CancellationToken);
        Until(guest, () => guest.State == 2);
        RawFrontend next = Asking(6);
        Until(next, () => next.State == 2);
        _back.Stop();
        await serving;

        Assert.Equal((0, 2), (servedBefore, _served));
        Assert.Equal(TpmResult.Success, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public void TpmThatDoesNotStart_IsAFailureForWhoWaits_AndTheDeviceIsForTheNextBackend()
    {
        RawFrontend guest = Asking(5);
        _back.Dispose();

        Assert.Equal((2, "4", 0), (guest.State, guest.BackendState, _served));
        Assert.Equal(TpmResult.Fail, TpmMessage.ReadResult(guest.Answer));
    }

    [Fact]
    public async Task RequestThatIsGivenUpMeanwhile_IsNotExecuted()
    {
        RawFrontend guest = Asking(5);
        guest.State = 3;
        guest.Kick();

        Task serving = Task.Run(() => _back.Serve(Answer), TestContext.Current.CancellationToken);
        Until(guest, () => guest.State == 0);
        _back.Stop();
        await serving;

        Assert.Equal(0, _served);
    }

    [Fact]
    public async Task GuestThatGoesMeanwhile_IsForgotten()
    {
        RawFrontend guest = Asking(5);
        guest.Die();
        _model.Remove(guest.BackendPath);
        RawFrontend next = Asking(6);

        Task serving = Task.Run(() => _back.Serve(Answer), TestContext.Current.CancellationToken);
        Until(next, () => next.State == 2);
        _back.Stop();
        await serving;

        Assert.Equal((1, 1), (_served, guest.State));
    }

    [Fact]
    public void WhatFailsBeforeTheFirstRequest_IsTheEnd_AndNothingIsServed()
    {
        RawFrontend guest = Asking(5);

        Assert.Throws<InvalidOperationException>(() => _back.Serve(Answer, () => throw new InvalidOperationException("no TPM after all")));

        Assert.Equal((1, 0), (guest.State, _served));
    }

    [Fact]
    public void XenstoreThatGoes_EndsIt()
    {
        RawFrontend guest = Asking(5);
        _host.Faults["Read"] = new XenException("no xenstore");
        _model.Write($"{guest.BackendPath}/online", "1");

        Assert.Throws<XenException>(() => _back.Serve(Answer));
    }

    /// <summary>A guest that is connected, and whose first command waits.</summary>
    private RawFrontend Asking(uint domain)
    {
        RawFrontend guest = _model.Guest(domain, Uuid);
        Until(guest, () => guest.BackendState == "2");
        guest.Put(RawFrontend.Command());
        guest.State = 1;
        guest.Publish();
        Until(guest, () => guest.BackendState == "4");
        return guest;
    }

    private static void Until(RawFrontend guest, Func<bool> condition)
    {
        List<uint> fired = [];
        for (long end = Environment.TickCount64 + 20_000; !condition(); fired.Clear())
        {
            Assert.True(Environment.TickCount64 < end, "it has not come to pass");
            guest.Host.Wait(TimeSpan.FromMilliseconds(50), fired);
            fired.ForEach(guest.Host.Rearm);
        }
    }

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        _served++;
        return TpmMessage.WriteFailure(request, TpmResult.Success, response);
    }
}
