using System.Net.Sockets;

namespace Vtpm.Transports;

/// <summary>Who is at the other end of a Unix socket, as the kernel recorded it when the client connected (SO_PEERCRED).</summary>
public readonly record struct PeerCredentials(int Pid, uint Uid, uint Gid)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    internal static PeerCredentials Of(Socket socket)
    {
        // struct ucred { pid_t pid; uid_t uid; gid_t gid; }, in the machine's own byte order.
        Span<byte> raw = stackalloc byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, raw);
        return new PeerCredentials(BitConverter.ToInt32(raw), BitConverter.ToUInt32(raw[4..]), BitConverter.ToUInt32(raw[8..]));
    }
}

/// <summary>A client of a server, from its connecting to its leaving.</summary>
public sealed class ClientInfo(long id, TpmAddress listener, PeerCredentials? credentials = null, string? peer = null, Socket? socket = null)
{
    private string? _text;

    /// <summary>Counts the server's clients from 1; never used twice.</summary>
    public long Id { get; } = id;

    /// <summary>The address the client came in by.</summary>
    public TpmAddress Listener { get; } = listener;

    /// <summary>Known for Unix sockets only.</summary>
    public PeerCredentials? Credentials { get; } = credentials;

    /// <summary>The far end for people: a TCP address, or the process.</summary>
    public string Peer { get; } = peer ?? (credentials is { } c ? $"pid {c.Pid} uid {c.Uid} gid {c.Gid}" : "");

    /// <summary>
    /// For whoever lets a client of a <see cref="TpmServer"/> in: what has to end before its first request is read. It waits for that, and no other client does.
    /// </summary>
    public Task? Preparation { get; set; }

    /// <summary>The process at the far end of a Unix socket, held on to; null for other links.</summary>
    internal PeerProcess? Process => socket is null ? null : PeerProcess.Of(socket);

    /// <summary>For the handler: what it remembers of this client.</summary>
    public object? State { get; set; }

    public override string ToString() => _text ??= Peer.Length == 0 ? $"client {Id} of {Listener}" : $"client {Id} ({Peer}) of {Listener}";
}
