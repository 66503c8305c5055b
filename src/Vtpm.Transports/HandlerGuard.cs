using Vtpm.Wire;

namespace Vtpm.Transports;

/// <summary>Calls the handler of a server: a defect of it costs its client a TPM_FAIL, and nobody else anything.</summary>
public static class HandlerGuard
{
    /// <param name="handler">Answers the request.</param>
    /// <param name="mayDefer">Whether <see cref="TpmServer.Deferred"/> is an answer.</param>
    /// <param name="client">Who asks; named in the log.</param>
    /// <param name="request">One whole message.</param>
    /// <param name="response">Takes the response; nothing is left in it but that.</param>
    /// <param name="log">Takes a line for each defect.</param>
    /// <returns>The length of the response, which is one message, or <see cref="TpmServer.Deferred"/>.</returns>
    public static int Call<TClient>(
        Func<TClient, ReadOnlySpan<byte>, Span<byte>, int> handler,
        bool mayDefer,
        TClient client,
        ReadOnlySpan<byte> request,
        Span<byte> response,
        Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(log);
        try
        {
            int length = handler(client, request, response);
            if (length == TpmServer.Deferred && mayDefer) return length;
            if (length >= TpmMessage.HeaderLength && length <= response.Length && TpmMessage.IsWhole(response[..length])) return length;
            log($"{client}: the handler's response is not a message ({length} bytes); answered TPM_FAIL");
        }
        catch (Exception e)
        {
            log($"{client}: answered TPM_FAIL: {e}");
        }

        // A request with a sane length is always answered. Nothing the handler left in the buffer may leave with it.
        response.Clear();
        return TpmMessage.WriteFailure(request, TpmResult.Fail, response);
    }
}
