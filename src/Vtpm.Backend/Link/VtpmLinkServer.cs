using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <summary>Answers one request that the service hands on.</summary>
/// <param name="client">Whose it is, for people; null when it is the service's own.</param>
/// <param name="label">The client's label, which the locality= arguments name.</param>
/// <param name="locality">0 to 255.</param>
/// <param name="request">A whole request.</param>
/// <param name="response">Room for any response.</param>
/// <returns>Bytes of the response.</returns>
public delegate int VtpmLinkHandler(string? client, string label, int locality, ReadOnlySpan<byte> request, Span<byte> response);

/// <summary>The vTPM's side of its link to the service: one thread, one request after the other, until the service has gone.</summary>
public sealed class VtpmLinkServer : IDisposable
{
    private readonly Socket _socket;
    private readonly VtpmLinkHandler _handler;
    private readonly Action<string> _log;

    // The text of a client is the same with each of its requests.
    private byte[] _lastHead = [];
    private VtpmLinkRequest _last;

    /// <param name="link">This end of the link, as the process was started with it; becomes the server's.</param>
    /// <param name="handler">Answers.</param>
    /// <param name="log">Takes what goes wrong.</param>
    public VtpmLinkServer(SafeFileHandle link, VtpmLinkHandler handler, Action<string> log)
        : this(Own(link), handler, log)
    {
    }

    /// <param name="socket">This end of the link; becomes the server's.</param>
    /// <param name="handler">Answers.</param>
    /// <param name="log">Takes what goes wrong.</param>
    public VtpmLinkServer(Socket socket, VtpmLinkHandler handler, Action<string> log)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _handler = handler;
        _log = log;
    }

    /// <summary>Tells the service that the TPM has started, and serves until the service closes its end, or <see cref="Stop"/>.</summary>
    /// <param name="origin">What the vTPM can tell of its guest's boot.</param>
    public void Run(BootOrigin? origin)
    {
        byte[] message = new byte[VtpmLinkMessage.BufferSize];
        byte[] answer = new byte[1 + TpmMessage.MaxLength];
        try
        {
            _socket.Send(VtpmLinkMessage.Ready(origin));
            while (true)
            {
                int length = _socket.Receive(message);
                if (length == 0) return;
                if (!TryRead(message.AsSpan(0, length), out VtpmLinkRequest request))
                {
                    _log($"{length} bytes from the service are no request; this process ends");
                    return;
                }

                int answered = Execute(request, message.AsSpan(0, length), answer.AsSpan(1));
                _socket.Send(VtpmLinkMessage.Response(answer, answered));
                answer.AsSpan(0, 1 + answered).Clear();
            }
        }
        catch (SocketException exception)
        {
            // As after its end: the service was killed, and nobody waits for the answer.
            _log($"the service has gone: {exception.SocketErrorCode}");
        }
    }

    /// <summary>Ends <see cref="Run"/> after the request it is in; from any thread.</summary>
    public void Stop()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Receive);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    public void Dispose() => _socket.Dispose();

    private static Socket Own(SafeFileHandle link)
    {
        ArgumentNullException.ThrowIfNull(link);
        var socket = new Socket(new SafeSocketHandle(link.DangerousGetHandle(), ownsHandle: true));
        link.SetHandleAsInvalid();
        return socket;
    }

    private bool TryRead(ReadOnlySpan<byte> message, out VtpmLinkRequest request)
    {
        request = _last;
        if (_lastHead.Length > 0 && message.StartsWith(_lastHead) && TpmMessage.IsWhole(message[_lastHead.Length..])) return true;
        if (!VtpmLinkMessage.TryReadRequest(message, out request)) return false;
        _last = request = request with { Client = $"frontend {request.Client}" };
        _lastHead = message[..request.Start].ToArray();
        return true;
    }

    private int Execute(in VtpmLinkRequest request, ReadOnlySpan<byte> message, Span<byte> response)
    {
        ReadOnlySpan<byte> command = message[request.Start..];
        try
        {
            int length = _handler(request.IsOurs ? null : request.Client, request.Label, request.Locality, command, response);
            if (length <= response.Length && TpmMessage.IsWhole(response[..length])) return length;
            _log($"{request.Client}: the response is not a message ({length} bytes); answered TPM_FAIL");
        }
        catch (Exception exception)
        {
            // A defect of ours costs one command.
            _log($"{request.Client}: answered TPM_FAIL: {exception}");
        }

        response.Clear();
        return TpmMessage.WriteFailure(command, TpmResult.Fail, response);
    }
}
