using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Xen;

/// <content>Requests: taken from the page, and answered there.</content>
internal sealed partial class TpmbackDevice
{
    private readonly Allowance _idleEvents = new(burst: 64, TimeSpan.FromMilliseconds(10));

    /// <summary>It waits for its turn.</summary>
    public bool IsReady { get; set; }

    /// <summary>Its page is to be looked at when what is executed has been answered.</summary>
    public bool LookAgain { get; set; }

    /// <summary>Its port is silent for a while.</summary>
    public bool RearmsLater { get; set; }

    /// <summary>Holds the request that is executed; null when none is.</summary>
    public byte[]? Executing { get; set; }

    /// <summary>Takes the request that is on the page, if there is one; one that is none is answered.</summary>
    /// <param name="buffer">Takes it.</param>
    /// <param name="locality">At which it is asked.</param>
    /// <returns>Its length; 0 when there is nothing to execute.</returns>
    public int Take(Span<byte> buffer, out int locality)
    {
        locality = 0;
        if (_page is not { } page) return 0;
        bool inherited = _inherited;
        _inherited = false;
        switch (page.State)
        {
            case TpmifState.Submit:
                break;
            case TpmifState.Cancel:
                // Nothing of it is running: it came too late, or before we looked.
                Hand(page, TpmifState.Idle);
                return 0;
            default:
                return 0;
        }

        _asking = _connection;
        if (inherited)
        {
            // Executed a second time, it might extend or increment twice.
            Log($"frontend {Client}: the backend before this one may have executed the request that waits; answered TPM_FAIL");
            Fail(TpmResult.Fail);
            return 0;
        }

        locality = page.Locality;
        if (!page.TryRead(buffer, out int length, out string? fault)) Log($"frontend {Client}: {fault}; answered TPM_BAD_PARAM_SIZE");
        else if (TpmMessage.IsWhole(buffer[..length])) return length;
        else Log($"frontend {Client}: {length} bytes that are not one request; answered TPM_BAD_PARAM_SIZE");
        Fail(TpmResult.BadParamSize);
        return 0;
    }

    /// <summary>Answers the request that was taken.</summary>
    /// <returns>False when the connection over which it was asked is no more; a later one gets nothing of it.</returns>
    public bool Answer(ReadOnlySpan<byte> response)
    {
        if (_page is not { } page || _asking != _connection) return false;
        Span<byte> tooLong = stackalloc byte[TpmMessage.HeaderLength];
        if (!page.TryWrite(response) && !page.TryWrite(tooLong[..TpmMessage.WriteFailure(TpmResult.Size, tooLong)]))
            throw new XenException($"frontend {Client} has left no room on its page for an answer");
        Client.IsAnswered = true;
        Hand(page, TpmifState.Finish);
        return true;
    }

    /// <summary>A notification of nothing: zero, or how long to wait before the next may come.</summary>
    public TimeSpan TakeIdleEvent(TimeSpan now) => _idleEvents.Take(now);

    /// <summary>Lets the frontend's notifications through again.</summary>
    public void Rearm()
    {
        if (_page is not null) _host.Rearm(_port);
    }

    private void Fail(TpmResult result)
    {
        Span<byte> response = stackalloc byte[TpmMessage.HeaderLength];
        Answer(response[..TpmMessage.WriteFailure(result, response)]);
    }

    private void Hand(TpmifPage page, TpmifState state)
    {
        page.State = state;
        _host.Notify(_port);
    }
}
