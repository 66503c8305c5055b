using System.Net.Sockets;
using System.Text;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Backend;

/// <summary>
/// The service's control socket, for its owner alone: one line is asked, some are answered, and the connection ends.
/// </summary>
/// <remarks><code>
///  status              a line for each guest's vTPM (<see cref="StatusLine"/>), then: ok
///  measure UUID LIST   ok, or: error WHAT          LIST as BootMeasurementList has it
/// </code></remarks>
public sealed class ControlSocket : IDisposable
{
    /// <summary>Connections that are served at a time; more are closed. Whoever can open the socket can do more harm by what he asks.</summary>
    private const int MostClients = 4;

    /// <summary>The longest request is a list of measurements.</summary>
    private const int LongestRequest = 4096;

    private const int PatienceMilliseconds = 10_000;

    /// <summary>For the next attempt to take a client, where one cannot be taken.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly BackendService _service;
    private readonly TpmListener _listener;
    private readonly BoundedLog _log;
    private int _clients;
    private bool _isDisposed;

    /// <exception cref="TpmTransportException">Another service listens there, or it is not permitted.</exception>
    public ControlSocket(BackendService service, string path)
    {
        ArgumentNullException.ThrowIfNull(service);
        _service = service;
        _listener = TpmListener.Open(TpmAddress.Unix(path), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _log = new BoundedLog("control socket", service.Options.Log, service.Options.Time);
        service.Attend(_listener.Handle, Accept);
    }

    public void Dispose()
    {
        _isDisposed = true;
        _service.Disregard(_listener.Handle);
        _listener.Dispose();
    }

    private void Accept()
    {
        if (_listener.TryAccept(out SocketError fault) is not { } client)
        {
            if (fault != SocketError.Success) PauseAfter($"it cannot take a client ({fault})");
            return;
        }

        if (Interlocked.Increment(ref _clients) > MostClients)
        {
            Interlocked.Decrement(ref _clients);
            client.Dispose();
            return;
        }

        try
        {
            // Its own thread for as long as it is there: the service waits for nobody.
            new Thread(() => Serve(client), maxStackSize: 256 * 1024) { IsBackground = true }.Start();
        }
        catch (OutOfMemoryException exception)
        {
            Interlocked.Decrement(ref _clients);
            client.Dispose();
            PauseAfter($"it cannot serve a client ({exception.Message})");
        }
    }

    /// <summary>Who waits to be taken would wake the service without end.</summary>
    private void PauseAfter(string why)
    {
        _log.Write($"control socket: {why}; it tries again in {Pause.TotalSeconds:0} s");
        _service.Disregard(_listener.Handle);
        _service.Later(Pause, () =>
        {
            if (!_isDisposed) _service.Attend(_listener.Handle, Accept);
        });
    }

    private void Serve(Socket client)
    {
        try
        {
            using (client)
            {
                client.ReceiveTimeout = client.SendTimeout = PatienceMilliseconds;
                if (ReadLine(client) is { } request) Send(client, Ask(request));
            }
        }
        catch (SocketException)
        {
            // It has gone.
        }
        finally
        {
            Interlocked.Decrement(ref _clients);
        }
    }

    /// <summary>Has the service's thread answer.</summary>
    private string Ask(string request)
    {
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _service.Ask(() =>
        {
            try
            {
                answer.SetResult(Answer(request));
            }
            catch (Exception exception)
            {
                answer.SetResult($"error {exception.Message.ReplaceLineEndings(" ")}\n");
                throw;
            }
        });
        return answer.Task.Wait(PatienceMilliseconds) ? answer.Task.Result : "error the service is busy\n";
    }

    private string Answer(string request)
    {
        string[] words = request.Split(' ');
        switch (words)
        {
            case ["status"]:
                var lines = new StringBuilder();
                foreach (GuestStatus guest in _service.Guests) lines.Append(StatusLine.Format(guest)).Append('\n');
                return lines.Append("ok\n").ToString();
            case ["measure", string uuid, string list]:
                string fault = !Guid.TryParseExact(uuid, "D", out Guid id) ? $"'{uuid}' is not a uuid"
                    : !BootMeasurementList.TryParse(list, out var measurements) ? "that is no list of measurements, PCR:DIGEST,... with PCRs 0 to 15"
                    : _service.Leave(id, measurements);
                return fault.Length == 0 ? "ok\n" : $"error {fault}\n";
            default:
                return "error ask: status, or measure UUID LIST\n";
        }
    }

    private static string? ReadLine(Socket client)
    {
        byte[] line = new byte[LongestRequest];
        for (int length = 0, read; length < line.Length && (read = client.Receive(line.AsSpan(length))) > 0; length += read)
        {
            int end = line.AsSpan(length, read).IndexOf((byte)'\n');
            if (end >= 0) return Encoding.UTF8.GetString(line, 0, length + end);
        }

        return null;
    }

    private static void Send(Socket client, string answer)
    {
        ReadOnlySpan<byte> left = Encoding.UTF8.GetBytes(answer);
        while (!left.IsEmpty) left = left[client.Send(left)..];
    }
}
