using Vtpm.Wire;

namespace Vtpm.Transports;

/// <summary>
/// Between links and the handler: a defect of the handler or of a callback is logged, and costs its client a TPM_FAIL and nobody else anything.
/// </summary>
internal sealed class RequestDispatcher(TpmRequestHandler handler, TpmServerOptions options)
{
    private long _lastId;

    public long NextId() => ++_lastId;

    /// <returns>The length of the response, or <see cref="TpmServer.Deferred"/> if <see cref="AnswerDeferred"/> is to give it.</returns>
    public int Execute(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        Call(handler, options.AnswerDeferred is not null, client, request, response);

    public int AnswerDeferred(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        Call(options.AnswerDeferred!, mayDefer: false, client, request, response);

    public bool Opened(ClientInfo client)
    {
        if (options.ClientOpened is null) return true;
        try
        {
            if (options.ClientOpened(client)) return true;
            Log($"{client}: turned away");
        }
        catch (Exception e)
        {
            Log($"{client}: turned away: {e}");
        }

        return false;
    }

    public void Closed(ClientInfo client)
    {
        try
        {
            options.ClientClosed?.Invoke(client);
        }
        catch (Exception e)
        {
            Log($"{client}: while it left: {e}");
        }
    }

    public void Log(string line)
    {
        try
        {
            options.Log?.Invoke(line);
        }
        catch (Exception)
        {
            // A full disk or a closed pipe behind the log is no reason to stop serving, and there is nowhere left to tell.
        }
    }

    private int Call(TpmRequestHandler called, bool mayDefer, ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        try
        {
            int length = called(client, request, response);
            if (length == TpmServer.Deferred && mayDefer) return length;
            if (length >= TpmMessage.HeaderLength && length <= response.Length && TpmMessage.IsWhole(response[..length])) return length;
            Log($"{client}: the handler's response is not a message ({length} bytes); answered TPM_FAIL");
        }
        catch (Exception e)
        {
            Log($"{client}: answered TPM_FAIL: {e}");
        }

        // A request with a sane length is always answered. Nothing the handler left in the buffer may leave with it.
        response.Clear();
        return TpmMessage.WriteFailure(request, TpmResult.Fail, response);
    }
}
