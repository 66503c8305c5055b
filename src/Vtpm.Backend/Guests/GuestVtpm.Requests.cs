using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;

namespace Vtpm.Backend;

/// <content>The guest's requests: one is with the process, the others wait.</content>
internal sealed partial class GuestVtpm
{
    private readonly LinkedList<Waiting> _waiting = [];
    private Waiting? _active;
    private long _activeSince;

    /// <summary>Takes a request, to be answered by <see cref="Tpmback.Complete"/>.</summary>
    public void Submit(TpmbackClient client, int locality)
    {
        try
        {
            Take(client, locality);
        }
        catch (Exception exception)
        {
            // As Guard, and without an object for each request.
            TakeFault(exception);
        }
    }

    private void Take(TpmbackClient client, int locality)
    {
        var request = new Waiting(client, locality, _context.Now, IsFirst: !client.IsAnswered);
        if (State == GuestState.Serving && _active is null)
        {
            Send(request);
            return;
        }

        _waiting.AddLast(request);
        if (State != GuestState.Serving) _context.Wake();
    }

    private void Send(Waiting request)
    {
        (_active, _activeSince) = (request, _context.Now);
        Send(isOurs: false, request.Locality, request.Client.ToString(), request.Client.LabelOrAddress, request.Client.Request.Span);
    }

    private void TakeAnswer(ReadOnlySpan<byte> response)
    {
        Waiting answered = _active!.Value;
        _active = null;
        if (_devices.Contains(answered.Client)) _context.Loop.Complete(answered.Client, response);
        SendNext();
    }

    private void SendNext()
    {
        if (State != GuestState.Serving || _waiting.First is not { } next) return;
        _waiting.Remove(next);
        Send(next.Value);
    }

    /// <summary>What waits for a process that does not come is for the guest to send again.</summary>
    private void GiveUpWaiting()
    {
        for (LinkedListNode<Waiting>? node = _waiting.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (_context.Now < GivenUpAt(node.Value)) continue;
            _waiting.Remove(node);
            Fail(node.Value.Client, TpmResult.Retry);
        }
    }

    private void Fail(TpmbackClient client, TpmResult result)
    {
        if (client.Request.Length < TpmMessage.HeaderLength) return;
        Span<byte> response = stackalloc byte[TpmMessage.HeaderLength];
        int length = TpmMessage.WriteFailure(client.Request.Span, result, response);
        _context.Loop.Complete(client, response[..length]);
    }

    private long GivenUpAt(Waiting request) => _context.After(
        Math.Max(request.Since, _unservedSince), request.IsFirst ? _context.Options.FirstRequestPatience : _context.Options.RequestPatience);

    /// <summary>A request that waits for its turn, or for the process.</summary>
    private readonly record struct Waiting(TpmbackClient Client, int Locality, long Since, bool IsFirst);
}
