using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>What a client's next bytes are.</summary>
internal enum RequestState
{
    /// <summary>Not yet a whole request.</summary>
    Incomplete,
    Complete,

    /// <summary>A length no TPM takes.</summary>
    Insane,
}

/// <summary>One connection of a <see cref="TpmServer"/>: what has come in and not been served, what has been answered and not been taken.</summary>
internal sealed class ServedClient(Socket socket, TpmListener listener, ClientInfo info)
{
    /// <summary>No answer is so dear that discarding what else was sent may go on for ever.</summary>
    private const int MaxDiscards = 64;

    private byte[]? _received;
    private int _held;
    private byte[]? _unsent;
    private int _sent;

    public Socket Socket { get; } = socket;

    public TpmListener Listener { get; } = listener;

    public ClientInfo Info { get; } = info;

    /// <summary>What has to be known of it is known; until then it is not listened to.</summary>
    public bool IsPrepared => Info.Preparation?.IsCompleted ?? true;

    /// <summary>
    /// When patience with a request begun or a response not taken ends, in <see cref="Environment.TickCount64"/>; 0 while neither is there.
    /// </summary>
    public long Deadline { get; private set; }

    /// <summary>A response waits for the client to take it; until then it is not listened to.</summary>
    public bool IsStalled => _unsent is not null;

    /// <summary>It was found to have left while it was not its turn; nothing is to be done with it but to remove it.</summary>
    public bool HasLeft { get; set; }

    /// <summary>Whether some bytes of a request are held.</summary>
    public bool HoldsBytes => _held > 0;

    /// <summary>Takes in what has arrived.</summary>
    /// <returns>False when the client has left.</returns>
    public bool Receive(ReceiveBuffers buffers)
    {
        _received ??= buffers.Rent();
        int received = Socket.Receive(_received.AsSpan(_held), SocketFlags.None, out var error);
        if (error == SocketError.Success && received > 0)
        {
            _held += received;
            return true;
        }

        ReleaseIfEmpty(buffers);
        return error == SocketError.WouldBlock;
    }

    /// <summary>The request at the front of what is held.</summary>
    public RequestState Peek(int maxLength, out int length)
    {
        length = 0;
        if (_held < TpmMessage.SizeEnd) return RequestState.Incomplete;
        uint size = TpmMessage.ReadSize(_received);
        if (size < TpmMessage.HeaderLength || size > (uint)maxLength)
        {
            length = unchecked((int)size);
            return RequestState.Insane;
        }

        length = (int)size;
        return _held >= length ? RequestState.Complete : RequestState.Incomplete;
    }

    public ReadOnlySpan<byte> Held(int length) => _received.AsSpan(0, length);

    /// <summary>Forgets a request that is answered. The rest moves to the front, so that there is room for the whole of the next.</summary>
    public void Consume(int length, ReceiveBuffers buffers)
    {
        Span<byte> held = _received.AsSpan(0, _held);
        held[length..].CopyTo(held);
        held[(_held - length)..].Clear();
        _held -= length;
        Deadline = 0;
        ReleaseIfEmpty(buffers);
    }

    /// <summary>Gives the client what it has patience for: from the first call until the thing awaited is there.</summary>
    public void AwaitUntil(long deadline)
    {
        if (Deadline == 0) Deadline = deadline;
    }

    /// <returns>False when the client has left.</returns>
    public bool Send(ReadOnlySpan<byte> response, long deadline)
    {
        int sent = Socket.Send(response, SocketFlags.None, out var error);
        if (error == SocketError.Success && sent == response.Length) return true;
        if (error is not (SocketError.Success or SocketError.WouldBlock)) return false;
        _unsent = response[sent..].ToArray();
        _sent = 0;
        Deadline = deadline;
        return true;
    }

    /// <summary>Tries again to hand over the response.</summary>
    /// <returns>False when the client has left.</returns>
    public bool Flush()
    {
        int sent = Socket.Send(_unsent.AsSpan(_sent), SocketFlags.None, out var error);
        if (error is not (SocketError.Success or SocketError.WouldBlock)) return false;
        _sent += sent;
        if (_sent < _unsent!.Length) return true;
        Array.Clear(_unsent);
        _unsent = null;
        Deadline = 0;
        return true;
    }

    /// <summary>Ends the connection so that an answer already sent still arrives: closing with bytes unread would make TCP discard it.</summary>
    public void Close(ReceiveBuffers buffers)
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The client was quicker.
        }

        byte[] discard = _received ?? buffers.Rent();
        for (int i = 0; i < MaxDiscards; i++)
        {
            int received = Socket.Receive(discard.AsSpan(), SocketFlags.None, out var error);
            if (error != SocketError.Success || received == 0) break;
        }

        buffers.Return(discard);
        _received = null;
        if (_unsent is not null) Array.Clear(_unsent);
        Socket.Dispose();
    }

    private void ReleaseIfEmpty(ReceiveBuffers buffers)
    {
        if (HoldsBytes || _received is null) return;
        buffers.Return(_received);
        _received = null;
    }
}

/// <summary>Idle clients hold no buffer: a few spares, one unless requests are deferred, serve them in turn.</summary>
internal sealed class ReceiveBuffers
{
    private const int MaxSpares = 32;

    private readonly Stack<byte[]> _spares = new();

    public byte[] Rent() => _spares.TryPop(out byte[]? buffer) ? buffer : new byte[TpmMessage.MaxLength];

    public void Return(byte[] buffer)
    {
        Array.Clear(buffer);
        if (_spares.Count < MaxSpares) _spares.Push(buffer);
    }
}
