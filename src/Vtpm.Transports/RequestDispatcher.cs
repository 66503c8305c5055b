namespace Vtpm.Transports;

/// <summary>
/// Between links and the handler: a defect of the handler (<see cref="HandlerGuard"/>) or of a callback is logged, and costs nobody else anything.
/// </summary>
internal sealed class RequestDispatcher(TpmRequestHandler handler, TpmServerOptions options)
{
    private readonly Func<ClientInfo, ReadOnlySpan<byte>, Span<byte>, int> _handler = handler.Invoke;
    private readonly Func<ClientInfo, ReadOnlySpan<byte>, Span<byte>, int>? _answerDeferred = options.AnswerDeferred is { } answer ? answer.Invoke : null;
    // A defect shows by each command of a client that has found it.
    private readonly Action<string> _log = new BoundedLog("handler", line => Log(options, line), TimeProvider.System).Write;

    // What clients do wrong, by where they come in.
    private readonly Dictionary<TpmAddress, BoundedLog> _clients = [];
    private long _lastId;

    public long NextId() => ++_lastId;

    /// <returns>The length of the response, or <see cref="TpmServer.Deferred"/> if <see cref="AnswerDeferred"/> is to give it.</returns>
    public int Execute(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        HandlerGuard.Call(_handler, _answerDeferred is not null, client, request, response, _log);

    public int AnswerDeferred(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        HandlerGuard.Call(_answerDeferred!, mayDefer: false, client, request, response, _log);

    public bool Opened(ClientInfo client)
    {
        if (options.ClientOpened is null) return true;
        try
        {
            if (options.ClientOpened(client)) return true;
            Log(client, "turned away");
        }
        catch (Exception e)
        {
            Log(client, $"turned away: {e}");
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
            Log(client, $"while it left: {e}");
        }
    }

    public void Log(string line) => Log(options, line);

    /// <summary>What a client has brought about, as often as it likes.</summary>
    public void Log(ClientInfo client, string what)
    {
        if (!_clients.TryGetValue(client.Listener, out BoundedLog? log))
            _clients[client.Listener] = log = new BoundedLog($"clients of {client.Listener}", line => Log(options, line), TimeProvider.System);
        log.Write($"{client}: {what}");
    }

    private static void Log(TpmServerOptions options, string line)
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
}
