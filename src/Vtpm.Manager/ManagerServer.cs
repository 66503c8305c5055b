using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The manager's sockets: one for each vTPM, by which it is known, and one for administrators. See ADR 3 for what that is worth.
/// </summary>
internal sealed class ManagerServer : IDisposable
{
    private const int MaxClientsPerSocket = 4;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody =
        OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly ManagerService _service;
    private readonly ManagerOptions _options;
    private readonly TpmServer _server;
    private readonly Dictionary<TpmAddress, VtpmListener?> _listeners = [];

    public ManagerServer(ManagerService service, ManagerOptions options)
    {
        _service = service;
        _options = options;
        _server = new TpmServer(Begin, new TpmServerOptions
        {
            AnswerDeferred = Finish,
            // More than a vTPM and its successor need while they pass each other, and all that one vTPM's user can take.
            MaxClientsPerListener = MaxClientsPerSocket,
            MaxClients = MaxClientsPerSocket * (options.Vtpms.Count + 1),
            MaxRequestLength = TpmMessage.MaxLength,
            UnixMode = OwnerOnly,
            ClientOpened = Opened,
            ClientClosed = Closed,
            Log = service.Log.Info,
        });
        service.FinishAll = _server.AnswerDeferred;
        try
        {
            foreach (VtpmListener vtpm in options.Vtpms) Listen(vtpm.Address, vtpm);
            if (options.Admin is { } admin) Listen(admin, null);
        }
        catch
        {
            _server.Dispose();
            throw;
        }
    }

    public void Run(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.Register(_server.Stop);
        _server.Run();
    }

    public void Dispose() => _server.Dispose();

    private void Listen(TpmAddress address, VtpmListener? vtpm)
    {
        if (address.Kind != TpmAddressKind.Unix)
            throw new ManagerException($"{address}: the manager has to know who connects, and only a Unix socket tells; write unix:PATH");
        if (vtpm is not null && _options.Vtpms.Count(other => other.Uuid == vtpm.Uuid) > 1)
            throw new ManagerException($"vTPM {vtpm.Uuid} has two sockets; it can be open once");
        if (!_listeners.TryAdd(address, vtpm)) throw new ManagerException($"{address} is given twice: one socket is for one vTPM");
        _server.Listen(address);
        // Wider only where the kernel's word on the user is asked for.
        if (vtpm?.User is not null && !OperatingSystem.IsWindows()) File.SetUnixFileMode(address.Name, Everybody);
    }

    private bool Opened(ClientInfo client)
    {
        VtpmListener? vtpm = _listeners[client.Listener];
        if (vtpm?.User is { } user && client.Credentials?.Uid is not 0 && client.Credentials?.Uid != user)
        {
            _service.Log.Warn($"{client}: only user {user} is vTPM {vtpm.Uuid}");
            return false;
        }

        client.State = vtpm is null ? ManagerLink.ToAdministrator() : ManagerLink.ToVtpm(vtpm.Uuid, vtpm.Label, Measure(client, vtpm));
        return true;
    }

    /// <summary>SHA-1 of what the peer runs; null when that is not asked for, or not known.</summary>
    private TpmDigest? Measure(ClientInfo client, VtpmListener vtpm)
    {
        if (!_options.MeasurePeers || client.MeasureExecutable() is not { } executable) return null;
        if (executable.Sha1 is not { } hash)
        {
            _service.Log.Warn($"{client}: vTPM {vtpm.Uuid} is not measured: {executable.Fault}");
            return null;
        }

        var digest = new TpmDigest(hash);
        _service.Log.Info($"{client}: vTPM {vtpm.Uuid} runs {executable.Name}, SHA-1 {digest}");
        return digest;
    }

    private void Closed(ClientInfo client) => _service.Close((ManagerLink)client.State!);

    private int Begin(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        _service.Begin((ManagerLink)client.State!, request, response);

    private int Finish(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        _service.Finish((ManagerLink)client.State!, request, response);
}
