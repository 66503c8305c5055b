using System.IO.Pipes;
using System.Runtime.InteropServices;
using Vtpm.Transports;
using Xunit;

namespace Vtpm.Xen.Tests;

/// <summary>Waiting for descriptors, on this machine's kernel.</summary>
public sealed class DescriptorPollTests : IDisposable
{
    private readonly DescriptorPoll _poll = new();
    private readonly AnonymousPipeServerStream _first = new(PipeDirection.Out);
    private readonly AnonymousPipeServerStream _second = new(PipeDirection.Out);
    private readonly List<string> _ready = [];

    public void Dispose()
    {
        _poll.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    [Fact]
    public void OnlyWhatIsReadableIsCalled_AndAgainAsLongAsItIs()
    {
        _poll.Attend(_first.ClientSafePipeHandle, () => _ready.Add("first"));
        _poll.Attend(_second.ClientSafePipeHandle, () => _ready.Add("second"));
        _poll.Wait(TimeSpan.Zero);
        Assert.Empty(_ready);
        _second.WriteByte(1);
        _poll.Wait(Timeout.InfiniteTimeSpan);
        _poll.Wait(Timeout.InfiniteTimeSpan);

        Assert.Equal(["second", "second"], _ready);
    }

    [Fact]
    public void DescriptorThatAnotherOneHasDisregarded_IsNotCalledAnyMore()
    {
        Attend(_first.ClientSafePipeHandle, _second.ClientSafePipeHandle);
        Attend(_second.ClientSafePipeHandle, _first.ClientSafePipeHandle);
        _first.WriteByte(1);
        _second.WriteByte(1);
        _poll.Wait(Timeout.InfiniteTimeSpan);

        Assert.Single(_ready);

        void Attend(SafeHandle handle, SafeHandle other) => _poll.Attend(handle, () =>
        {
            _ready.Add("one");
            _poll.Disregard(other);
        });
    }

    [Fact]
    public void DescriptorThatIsDisposedOf_StaysOpenUntilItIsDisregarded()
    {
        SafeHandle handle = _first.ClientSafePipeHandle;
        _poll.Attend(handle, () => _ready.Add("first"));
        _first.WriteByte(1);
        handle.Dispose();
        _poll.Wait(Timeout.InfiniteTimeSpan);
        Assert.Single(_ready);

        _poll.Disregard(handle);
        _poll.Wait(TimeSpan.Zero);
        Assert.Single(_ready);
        Assert.Throws<IOException>(() => _first.WriteByte(1));   // its only reader is closed now
    }

    [Fact]
    public void Interrupt_EndsTheNextWait_Once()
    {
        _poll.Interrupt();
        _poll.Wait(Timeout.InfiniteTimeSpan);
        _first.WriteByte(1);
        _poll.Attend(_first.ClientSafePipeHandle, () => _ready.Add("first"));
        _poll.Wait(Timeout.InfiniteTimeSpan);

        Assert.Single(_ready);
    }

    [Fact]
    public void DescriptorThatCannotBeWaitedFor_IsRefused()
    {
        using var file = File.OpenHandle("/proc/self/exe");
        Assert.Throws<XenException>(() => _poll.Attend(file, () => { }));
    }

    [Fact]
    public void OwnDeviceOutsideOfXen_IsUnavailable_SoThatALinkToTheManagerTriesAgain()
    {
        var error = Assert.Throws<TpmTransportException>(() => Tpmfront.OpenOwn(device: 99));
        Assert.Equal(TpmTransportFault.Unavailable, error.Fault);
    }
}
