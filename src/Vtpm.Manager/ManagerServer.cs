using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The manager's sockets: one for each vTPM, by which it is known, one for a backend domain's service, and one for administrators. ADR 3 and ADR 16
/// tell what that is worth.
/// </summary>
internal sealed class ManagerServer : IDisposable
{
    /// <summary>More than a vTPM and its successor need while they pass each other, and all that one vTPM's user can take.</summary>
    private const int MaxClientsPerSocket = 4;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody =
        OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private readonly VtpmManager _manager;
    private readonly ManagerOptions _options;
    private readonly ManagerLog _log;
    private readonly TpmServer _server;
    // What a client of that address is: a connection, one that is to be introduced, or nobody.
    private readonly Dictionary<TpmAddress, Func<ClientInfo, object?>> _doors = [];

    public ManagerServer(VtpmManager manager, ManagerOptions options, ManagerLog log)
    {
        _manager = manager;
        _options = options;
        _log = log;
        int vtpmsAndAdmin = MaxClientsPerSocket * (options.Vtpms.Count + 1);
        _server = new TpmServer(Begin, new TpmServerOptions
        {
            AnswerDeferred = Finish,
            MaxClientsPerListener = MaxClientsPerSocket,
            MaxClients = vtpmsAndAdmin + (options.Host is null ? 0 : HostIntroductions.MaxClients),
            MaxRequestLength = TpmMessage.MaxLength,
            UnixMode = OwnerOnly,
            ClientOpened = client => (client.State = _doors[client.Listener](client)) is not null,
            ClientClosed = client => ((IDisposable)client.State!).Dispose(),
            Log = log.Info,
        });
        try
        {
            foreach (VtpmListener vtpm in options.Vtpms) Listen(vtpm);
            if (options.Host is { } host)
            {
                var introductions = new HostIntroductions(Connect, log, MaxClientsPerSocket);
                Listen(
                    host,
                    Measured("the backend domain's service", executable => new IntroducedClient(introductions, executable)),
                    HostIntroductions.MaxClients);
            }

            if (options.Admin is { } admin) Listen(admin, _ => _manager.ConnectAdministrator(_server.AnswerDeferred));
        }
        catch
        {
            _server.Dispose();
            throw;
        }
    }

    public void Run() => _server.Run();

    public void Stop() => _server.Stop();

    public void Dispose() => _server.Dispose();

    private void Listen(VtpmListener vtpm)
    {
        if (_options.Vtpms.Count(other => other.Uuid == vtpm.Uuid) > 1)
            throw new ManagerException($"vTPM {vtpm.Uuid} has two sockets; it can be open once");
        Func<ClientInfo, object?> admit =
            Measured($"vTPM {vtpm.Uuid}", executable => Connect(new VtpmPeer(vtpm.Uuid, vtpm.Label) { ExecutableHash = executable }));
        Listen(vtpm.Address, client => IsUser(client, vtpm) ? admit(client) : null);
        // Wider only where the kernel's word on the user is asked for.
        if (vtpm.User is not null && !OperatingSystem.IsWindows()) File.SetUnixFileMode(vtpm.Address.Name, Everybody);
    }

    private void Listen(TpmAddress address, Func<ClientInfo, object?> door, int? maxClients = null)
    {
        if (address.Kind != TpmAddressKind.Unix)
            throw new ManagerException($"{address}: the manager has to know who connects, and only a Unix socket tells; write unix:PATH");
        if (!_doors.TryAdd(address, door)) throw new ManagerException($"{address} is given twice: one socket is for one vTPM, for the backend domain, or for administrators");
        _server.Listen(address, maxClients);
    }

    private ManagerConnection Connect(VtpmPeer peer) => _manager.Connect(peer, _server.AnswerDeferred);

    private bool IsUser(ClientInfo client, VtpmListener vtpm)
    {
        if (vtpm.User is not { } user || client.Credentials?.Uid == 0 || client.Credentials?.Uid == user) return true;
        _log.Of(vtpm.Uuid).Warn($"{client}: only user {user} is vTPM {vtpm.Uuid}");
        return false;
    }

    /// <summary>
    /// What a client of one socket is, once SHA-1 of what it runs is known; null where that is not asked for, or cannot be told. Others are served while
    /// it is found out.
    /// </summary>
    private Func<ClientInfo, object?> Measured(string who, Func<TpmDigest?, IDisposable> admit)
    {
        if (!_options.MeasurePeers) return _ => admit(null);
        var measurements = new PeerMeasurements();
        return client =>
        {
            Task<PeerExecutable> measurement = measurements.Measure(client);
            client.Preparation = measurement;
            return new MeasuredClient(measurement, executable => admit(Tell(client, who, executable)));
        };
    }

    private TpmDigest? Tell(ClientInfo client, string who, PeerExecutable executable)
    {
        if (executable.Sha1 is not { } hash)
        {
            _log.About(who).Warn($"{client}: {who} is not measured: {executable.Fault}");
            return null;
        }

        var digest = new TpmDigest(hash);
        _log.About(who).Info($"{client}: {who} runs {executable.Name}, SHA-1 {digest}");
        return digest;
    }

    private static int Begin(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        if (client.State is MeasuredClient measured) client.State = measured.Admit();
        return client.State is IntroducedClient introduced
            ? introduced.Begin(request, response)
            : ((ManagerConnection)client.State!).Begin(request, response);
    }

    private static int Finish(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        ManagerConnection connection = client.State is IntroducedClient introduced ? introduced.Connection! : (ManagerConnection)client.State!;
        return connection.Finish(response);
    }

    /// <summary>A client that has asked for nothing yet. Its first request comes when its measurement has ended.</summary>
    private sealed class MeasuredClient(Task<PeerExecutable> measurement, Func<PeerExecutable, IDisposable> admit) : IDisposable
    {
        public IDisposable Admit() => admit(measurement.Result);

        public void Dispose()
        {
            // Nobody's connection yet.
        }
    }
}
