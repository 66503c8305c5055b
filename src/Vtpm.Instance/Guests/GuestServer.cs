using Vtpm.Transports;

namespace Vtpm.Instance;

/// <summary>A vTPM's side towards its clients (<c>tpmback</c> in Xen's diagram), here on sockets: what they may send, and at which locality.</summary>
public sealed class GuestServer : IDisposable
{
    private readonly GuestRequests _requests;

    public GuestServer(VirtualTpm vtpm, VtpmArguments arguments, Action<string> log, UnixFileMode socketMode, Action<string>? warn = null)
    {
        _requests = new GuestRequests(vtpm, arguments, log);
        Server = new TpmServer(Execute, new TpmServerOptions
        {
            UnixMode = socketMode,
            Log = warn ?? log,
            ClientOpened = client =>
            {
                log($"VTPM attached to Frontend {client.Credentials?.Pid ?? 0}/{client.Id}");
                return true;
            },
            ClientClosed = client => log($"VTPM detached from Frontend {client.Credentials?.Pid ?? 0}/{client.Id}"),
        });
    }

    public TpmServer Server { get; }

    public void Dispose() => Server.Dispose();

    /// <summary>A stream has no locality of its own: everything on it is at locality 0. Its label is its address.</summary>
    private int Execute(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response) =>
        _requests.Execute(client.ToString(), client.Listener.ToString(), locality: 0, request, response);
}
