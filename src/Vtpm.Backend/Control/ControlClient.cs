using System.Net.Sockets;
using System.Text;
using Vtpm.Transports;

namespace Vtpm.Backend;

/// <summary>Asks a service how its guests' vTPMs are.</summary>
public static class ControlClient
{
    /// <summary>Where the service has its socket, unless it was told otherwise.</summary>
    public const string DefaultPath = "/run/vtpm/tpmback.sock";

    /// <summary>More than any backend has.</summary>
    private const int LongestAnswer = 4 << 20;

    private const int PatienceMilliseconds = 30_000;

    /// <exception cref="TpmTransportException">There is no such service, or it answers something else.</exception>
    public static IReadOnlyList<GuestStatus> Status(string path)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.SendTimeout = socket.ReceiveTimeout = PatienceMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Send("status\n"u8);
            return Parse(path, ReadAll(socket));
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new TpmTransportException(
                TpmTransportFault.Unavailable, $"{path}: no service of a backend domain answers ({exception.Message}); is 'vtpm tpmback' running, and are you its user?", exception);
        }
    }

    private static GuestStatus[] Parse(string path, string answer)
    {
        string[] lines = answer.Split('\n');
        GuestStatus?[] guests = lines.Length < 2 || lines[^2] != "ok" ? [null] : [.. lines[..^2].Select(StatusLine.Parse)];
        return guests.Contains(null)
            ? throw new TpmTransportException(TpmTransportFault.Malformed, $"{path}: what answers there is no 'vtpm tpmback' of this version")
            : [.. guests.OfType<GuestStatus>()];
    }

    private static string ReadAll(Socket socket)
    {
        var answer = new StringBuilder();
        byte[] buffer = new byte[16 * 1024];
        for (int read; answer.Length < LongestAnswer && (read = socket.Receive(buffer)) > 0;) answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        return answer.ToString();
    }
}
