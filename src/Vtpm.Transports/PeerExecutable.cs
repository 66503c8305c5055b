using System.Net.Sockets;
using System.Security.Cryptography;

namespace Vtpm.Transports;

/// <summary>
/// The executable that the process at the other end of a Unix socket runs, measured as it is when it is asked for: the file that /proc has as that
/// process's executable.
/// </summary>
/// <remarks>
/// It says which program connected, and no more: the socket can have gone on to another process since, or the process to another program; and who
/// may ptrace the process, or write to its memory, makes it do anything. See ADR 3.
/// </remarks>
public sealed class PeerExecutable
{
    /// <summary>More than any executable of ours, in either flavour.</summary>
    private const long Longest = 256L << 20;

    private const int LongestName = 256;

    private PeerExecutable()
    {
    }

    /// <summary>SHA-1 of the file; null when it could not be measured.</summary>
    public byte[]? Sha1 { get; private init; }

    /// <summary>Its name as its own process would see it, for people; that process may have chosen it freely.</summary>
    public string Name { get; private init; } = "";

    /// <summary>Why it could not be measured.</summary>
    public string Fault { get; private init; } = "";

    /// <summary>
    /// Measures who is at the other end of a Unix socket, for as long as that takes: a file system that its user has made can make a reader wait for
    /// ever. <see cref="PeerMeasurements"/> waits for nobody.
    /// </summary>
    public static PeerExecutable Measure(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            using PeerProcess process = PeerProcess.Of(socket);
            return Measure([process])[0];
        }
        catch (Exception e) when (IsExpected(e))
        {
            return Unmeasured(e.Message);
        }
    }

    /// <summary>What it comes to that a process has ended, that its file cannot be read, or that its socket tells nothing.</summary>
    internal static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or SocketException or FormatException;

    /// <summary>Measures once for all connections of what is one process, or was: a number can have gone to another.</summary>
    internal static PeerExecutable[] Measure(IReadOnlyList<PeerProcess> connections)
    {
        try
        {
            return Read(connections);
        }
        catch (Exception e) when (IsExpected(e))
        {
            return [.. connections.Select(_ => Unmeasured(e.Message))];
        }
    }

    internal static PeerExecutable Unmeasured(string why) => new() { Fault = why };

    private static PeerExecutable[] Read(IReadOnlyList<PeerProcess> connections)
    {
        int pid = connections[0].Pid;
        if (pid <= 0) return [.. connections.Select(_ => Unmeasured("its process is in another PID namespace"))];
        // The process that connected, from here to the end: another one that got its number has another start, and is not what the handle is of.
        string started = PeerProcess.StartOf(pid);
        bool[] wasThere = [.. connections.Select(connection => connection.IsAlive())];
        string link = $"/proc/{pid}/exe";
        // Opened once: what is hashed is the file that runs, whatever becomes of its name.
        using var file = new FileStream(link, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        string name = new FileInfo(link).LinkTarget ?? "";
        PeerExecutable measured = file.Length > Longest
            ? Unmeasured($"its executable has {file.Length} bytes")
            : new PeerExecutable { Sha1 = Hash(file), Name = Printable(name) };
        if (PeerProcess.StartOf(pid) != started || (new FileInfo(link).LinkTarget ?? "") != name)
            measured = Unmeasured("the process has ended, or has become another program, meanwhile");
        return [.. connections.Select((connection, i) => wasThere[i] && connection.IsAlive() ? measured : Unmeasured("the process that connected has ended"))];
    }

    private static byte[] Hash(FileStream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        byte[] buffer = new byte[1 << 16];
        for (long offset = 0; offset < Longest;)
        {
            int read = RandomAccess.Read(file.SafeFileHandle, buffer, offset);
            if (read == 0) break;
            hash.AppendData(buffer, 0, read);
            offset += read;
        }

        return hash.GetHashAndReset();
    }

    private static string Printable(string name) =>
        new([.. name.Take(LongestName).Select(c => char.IsControl(c) ? '?' : c)]);
}
