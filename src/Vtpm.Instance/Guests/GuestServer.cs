using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>A vTPM's side towards its clients (<c>tpmback</c> in Xen's diagram), here on sockets: what they may send, and at which locality.</summary>
public sealed class GuestServer : IDisposable
{
    private readonly VirtualTpm _vtpm;
    private readonly VtpmArguments _arguments;
    private readonly Action<string> _log;

    public GuestServer(VirtualTpm vtpm, VtpmArguments arguments, Action<string> log, UnixFileMode socketMode, Action<string>? warn = null)
    {
        _vtpm = vtpm;
        _arguments = arguments;
        _log = log;
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

    private int Execute(ClientInfo client, ReadOnlySpan<byte> request, Span<byte> response)
    {
        // A stream has no locality of its own: everything on it is at locality 0. Its label is its address.
        const int locality = 0;
        if (!_arguments.Localities.Allows(client.Listener.ToString(), locality)) return TpmMessage.WriteFailure(request, TpmResult.Fail, response);
        int length = _vtpm.Execute(request, locality, response);
        if (_arguments.LogLevel == VtpmLogLevel.Debug)
            _log($"{client}: TPM_{TpmMessage.ReadOrdinal(request)} at locality {locality} was answered TPM_{TpmMessage.ReadResult(response)}");

        return length;
    }
}
