using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>Devices that are let in and wait for what is to serve them.</summary>
public sealed class AnnounceLaterTests : IDisposable
{
    private static readonly Guid Uuid = Guid.Parse("1b6ee4f0-9d4b-4f1c-8d1e-3f7f7b1b2a10");

    private readonly XenModel _model = new();
    private readonly List<TpmbackClient> _opened = [];
    private readonly List<TpmbackClient> _closed = [];
    private readonly Tpmback _back;
    private int _served;

    public AnnounceLaterTests() => _back = new Tpmback(_model.Domain(0), Answer, new TpmbackOptions
    {
        AnnounceLater = true,
        ClientClosed = _closed.Add,
        ClientOpened = client =>
        {
            _opened.Add(client);
            return true;
        },
    });

    public void Dispose() => _back.Dispose();

    [Fact]
    public void Device_IsAnnouncedWhenItIsTold()
    {
        RawFrontend guest = _model.Guest(5, Uuid);
        guest.Put(RawFrontend.Command());
        guest.State = 1;
        guest.Publish();
        _back.Turns();
        Assert.Equal("1", guest.BackendState);

        _back.Announce(Assert.Single(_opened));
        _back.Turns();

        Assert.Equal("4", guest.BackendState);
        Assert.Equal(1, _served);
        _back.Announce(_opened[0]);
        _back.Turns();
        Assert.Equal("4", guest.BackendState);
    }

    [Fact]
    public void ConnectedDeviceOfABackendThatHasGone_WaitsWithItsRequest()
    {
        RawFrontend guest = _model.Guest(5, Uuid);
        _model.Write($"{guest.BackendPath}/state", "4");
        guest.Publish();
        _back.Turns();
        Assert.Equal("4", guest.BackendState);

        _back.Announce(Assert.Single(_opened));
        _back.Turns();
        guest.Submit(RawFrontend.Command());
        _back.Turns();

        Assert.Equal(1, _served);
    }

    [Fact]
    public void Device_ThatIsTakenAwayMeanwhile_IsGone()
    {
        RawFrontend guest = _model.Guest(5, Uuid);
        _back.Turns();
        _model.Remove(guest.BackendPath);

        _back.Announce(Assert.Single(_opened));

        Assert.Null(guest.BackendState);
        Assert.Equal(_opened, _closed);
        _back.Turns();
        Assert.Null(guest.BackendState);
    }

    [Fact]
    public void Device_ThatIsDetachedMeanwhile_IsClosed()
    {
        RawFrontend guest = _model.Guest(5, Uuid);
        _back.Turns();
        _model.Write($"{guest.BackendPath}/online", "0");
        _model.Write($"{guest.BackendPath}/state", "5");
        _back.Turns();

        Assert.Equal("6", guest.BackendState);
        Assert.Equal(_opened, _closed);
    }

    private int Answer(TpmbackClient client, int locality, ReadOnlySpan<byte> request, Span<byte> response)
    {
        _served++;
        return TpmMessage.WriteFailure(request, TpmResult.Success, response);
    }
}
