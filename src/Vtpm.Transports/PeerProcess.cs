using System.Globalization;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Transports;

/// <summary>
/// The process that connected to a Unix socket, by what the kernel has recorded of it (SO_PEERCRED), and a handle on it, whoever gets its number
/// (SO_PEERPIDFD; null where the kernel has none, before 6.5).
/// </summary>
internal sealed class PeerProcess : IDisposable
{
    private const int SolSocket = 1;
    private const int SoPeerPidFd = 77;

    /// <summary>The 22nd field of /proc/PID/stat; the second one, in parentheses, can have spaces.</summary>
    private const int StartTimeAfterName = 19;

    private readonly SafeFileHandle? _handle;
    // Where there is no handle: when the process with that number was started, as the connection came.
    private readonly string _started;

    private PeerProcess(int pid, SafeFileHandle? handle)
    {
        Pid = pid;
        _handle = handle;
        _started = handle is null && pid > 0 ? StartOf(pid) : "";
    }

    /// <summary>Its number here; 0 or less for a process of another PID namespace.</summary>
    public int Pid { get; }

    /// <exception cref="SocketException">The socket tells no process.</exception>
    /// <exception cref="IOException">The process has ended.</exception>
    public static PeerProcess Of(Socket socket) => new(PeerCredentials.Of(socket).Pid, Handle(socket));

    /// <summary>When the process that has that number now was started.</summary>
    public static string StartOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartTimeAfterName ? fields[StartTimeAfterName] : throw new FormatException($"/proc/{pid}/stat is not as expected");
    }

    /// <summary>Whether it has not ended: by the handle, or where there is none by the start time of whatever has its number.</summary>
    public bool IsAlive()
    {
        if (_handle is null) return StartOf(Pid) == _started;
        const string Field = "Pid:";
        foreach (string line in File.ReadLines($"/proc/self/fdinfo/{_handle.DangerousGetHandle()}"))
        {
            if (!line.StartsWith(Field, StringComparison.Ordinal)) continue;
            // -1 when it has ended.
            return int.TryParse(line.AsSpan(Field.Length), NumberStyles.Integer, CultureInfo.InvariantCulture, out int named) && named == Pid;
        }

        return false;
    }

    public void Dispose() => _handle?.Dispose();

    private static SafeFileHandle? Handle(Socket socket)
    {
        Span<byte> descriptor = stackalloc byte[sizeof(int)];
        try
        {
            return socket.GetRawSocketOption(SolSocket, SoPeerPidFd, descriptor) == sizeof(int)
                ? new SafeFileHandle(BitConverter.ToInt32(descriptor), ownsHandle: true)
                : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
