using System.Net.Sockets;
using System.Text;
using Vtpm.Wire;

namespace Vtpm.Boot;

/// <summary>The control socket of the service that has this domain's vTPMs (<c>vtpm tpmback</c>), as a domain builder uses it.</summary>
public static class BackendControl
{
    /// <summary>Where the service has it, unless it was told otherwise.</summary>
    public const string DefaultPath = "/run/vtpm/tpmback.sock";

    private const int LongestAnswer = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Leaves what is to be extended when the vTPM starts for its next domain. What was left before is given up.</summary>
    /// <exception cref="BootException">There is no such service, or it refuses.</exception>
    public static void Leave(string path, Guid uuid, IEnumerable<BootMeasurement> measurements)
    {
        string answer = Ask(path, $"measure {uuid:D} {BootMeasurementList.Format(measurements)}");
        if (answer != "ok") throw new BootException($"the backend at {path} refuses: {(answer.StartsWith("error ", StringComparison.Ordinal) ? answer[6..] : answer)}");
    }

    private static string Ask(string path, string request)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.SendTimeout = socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Send(Encoding.UTF8.GetBytes(request + "\n"));
            return ReadLine(socket) ?? throw new BootException($"the backend at {path} does not answer in a line");
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            throw new BootException($"the backend at {path} is not to be reached (is vtpm tpmback running?): {exception.Message}", exception);
        }
    }

    private static string? ReadLine(Socket socket)
    {
        byte[] answer = new byte[LongestAnswer];
        for (int length = 0, read; length < answer.Length && (read = socket.Receive(answer.AsSpan(length))) > 0;)
        {
            int end = answer.AsSpan(length, read).IndexOf((byte)'\n');
            if (end >= 0) return Encoding.UTF8.GetString(answer, 0, length + end);
            length += read;
        }

        return null;
    }
}
