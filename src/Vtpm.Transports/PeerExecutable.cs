using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Vtpm.Transports;

/// <summary>
/// The executable that the process at the other end of a Unix socket runs, measured as it is when it is asked for: by what the kernel has recorded of
/// who connected (SO_PEERCRED, SO_PEERPIDFD), and the file that /proc has as that process's executable.
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
    private const int SolSocket = 1;
    private const int SoPeerPidFd = 77;

    /// <summary>The 22nd field of /proc/PID/stat; the second one, in parentheses, can have spaces.</summary>
    private const int StartTimeAfterName = 19;

    /// <summary>A file system that its user has made can make a reader wait for ever. So many may, and no more.</summary>
    private static readonly SemaphoreSlim Readers = new(4);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private PeerExecutable()
    {
    }

    /// <summary>SHA-1 of the file; null when it could not be measured.</summary>
    public byte[]? Sha1 { get; private init; }

    /// <summary>Its name as its own process would see it, for people; that process may have chosen it freely.</summary>
    public string Name { get; private init; } = "";

    /// <summary>Why it could not be measured.</summary>
    public string Fault { get; private init; } = "";

    /// <summary>Measures who is at the other end of a Unix socket.</summary>
    public static PeerExecutable Measure(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            PeerCredentials peer = PeerCredentials.Of(socket);
            using SafeFileHandle? process = Process(socket);
            if (peer.Pid <= 0) return Unmeasured("its process is in another PID namespace");
            return Read(peer.Pid, process);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or FormatException)
        {
            return Unmeasured(e.Message);
        }
    }

    private static PeerExecutable Unmeasured(string why) => new() { Fault = why };

    private static PeerExecutable Read(int pid, SafeFileHandle? process)
    {
        // The process that connected, from here to the end: another one that got its number has another start, and is not what the handle is of.
        string started = StartOf(pid);
        if (!IsAlive(process, pid)) return Unmeasured("the process that connected has ended");
        string link = $"/proc/{pid}/exe";
        // Opened once: what is hashed is the file that runs, whatever becomes of its name.
        using var file = new FileStream(link, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1 << 16);
        string name = new FileInfo(link).LinkTarget ?? "";
        if (file.Length > Longest) return Unmeasured($"its executable has {file.Length} bytes");
        if (HashPatiently(file) is not { } hash) return Unmeasured("its executable cannot be read in time");
        if (StartOf(pid) != started || !IsAlive(process, pid) || (new FileInfo(link).LinkTarget ?? "") != name)
            return Unmeasured("the process has ended, or has become another program, meanwhile");
        return new PeerExecutable { Sha1 = hash, Name = Printable(name) };
    }

    /// <summary>A handle on the process that connected, whoever gets its number; null where the kernel has none (before 6.5).</summary>
    private static SafeFileHandle? Process(Socket socket)
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

    private static bool IsAlive(SafeFileHandle? process, int pid)
    {
        if (process is null) return true;   // The start time has to do.
        const string Field = "Pid:";
        foreach (string line in File.ReadLines($"/proc/self/fdinfo/{process.DangerousGetHandle()}"))
        {
            if (!line.StartsWith(Field, StringComparison.Ordinal)) continue;
            // -1 when it has ended.
            return int.TryParse(line.AsSpan(Field.Length), NumberStyles.Integer, CultureInfo.InvariantCulture, out int named) && named == pid;
        }

        return false;
    }

    private static string StartOf(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartTimeAfterName ? fields[StartTimeAfterName] : throw new FormatException($"/proc/{pid}/stat is not as expected");
    }

    private static byte[]? HashPatiently(FileStream file)
    {
        if (!Readers.Wait(TimeSpan.Zero)) return null;
        // The reader holds the handle as long as it needs it, also after this has stopped waiting.
        SafeFileHandle handle = file.SafeFileHandle;
        bool held = false;
        handle.DangerousAddRef(ref held);
        Task<byte[]?> hashing = Task.Run(() =>
        {
            try
            {
                return Hash(handle);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
            finally
            {
                handle.DangerousRelease();
                Readers.Release();
            }
        });
        return hashing.Wait(Patience) ? hashing.Result : null;
    }

    private static byte[]? Hash(SafeFileHandle file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        byte[] buffer = new byte[1 << 16];
        for (long offset = 0; offset < Longest;)
        {
            int read = RandomAccess.Read(file, buffer, offset);
            if (read == 0) break;
            hash.AppendData(buffer, 0, read);
            offset += read;
        }

        return hash.GetHashAndReset();
    }

    private static string Printable(string name) =>
        new([.. name.Take(LongestName).Select(c => char.IsControl(c) ? '?' : c)]);
}
