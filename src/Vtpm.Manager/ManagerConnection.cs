using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>
/// One connection to the manager, without what carries it: whoever does hands in the requests as they come. It ends with <see cref="Dispose"/>, and
/// then another connection can open its vTPM. Connections may be used by several threads, each by one at a time.
/// </summary>
public sealed class ManagerConnection : IDisposable
{
    private readonly ManagerService _service;
    private readonly ManagerLink _link;

    internal ManagerConnection(ManagerService service, ManagerLink link)
    {
        _service = service;
        _link = link;
    }

    /// <summary>The vTPM; null for an administrator.</summary>
    public Guid? Uuid => _link.Uuid;

    /// <summary>
    /// Answers one request, or returns <see cref="TpmServer.Deferred"/> for one that is to share its save with others of the same turn:
    /// <see cref="Finish"/> then answers it. Never throws for what is in the request.
    /// </summary>
    /// <param name="request">One whole message.</param>
    /// <param name="response">Takes the response; <see cref="TpmMessage.MaxLength"/> bytes.</param>
    /// <returns>The length of the response, or <see cref="TpmServer.Deferred"/>.</returns>
    public int Begin(ReadOnlySpan<byte> request, Span<byte> response)
    {
        lock (_service.Gate) return _service.Begin(_link, request, response);
    }

    /// <summary>Answers the request for which <see cref="Begin"/> has returned <see cref="TpmServer.Deferred"/>.</summary>
    public int Finish(Span<byte> response)
    {
        lock (_service.Gate) return _service.Finish(_link, response);
    }

    public void Dispose()
    {
        lock (_service.Gate) _service.Close(_link);
    }
}
