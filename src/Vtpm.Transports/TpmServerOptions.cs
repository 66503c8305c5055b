namespace Vtpm.Transports;

/// <summary>Limits and callbacks of a server. Callbacks run on the server's thread.</summary>
public sealed record TpmServerOptions
{
    /// <summary>Clients served at a time; more of them wait, connected, until one leaves.</summary>
    public int MaxClients { get; init; } = 64;

    /// <summary>
    /// Clients of one listener served at a time; more of them wait as well, and those of other listeners do not. By default only
    /// <see cref="MaxClients"/> bounds them.
    /// </summary>
    public int MaxClientsPerListener { get; init; } = int.MaxValue;

    /// <summary>
    /// A longer request (or one shorter than its header) is not a TPM's: its connection is closed. At most <see cref="TpmMessage.MaxLength"/>.
    /// </summary>
    public int MaxRequestLength { get; init; } = TpmMessage.MaxLength;

    /// <summary>For the rest of a request to follow its first byte.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For a client to take its response.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Mode of a Unix socket's file, which decides who may connect.</summary>
    public UnixFileMode UnixMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Answers a request for which the handler has returned <see cref="TpmServer.Deferred"/>, in the order of those. The server calls it at the end
    /// of the turn in which it has served one command of each client that had one: what these have in common, such as a write to a disk, is done once
    /// then, by the first of them.
    /// </summary>
    public TpmRequestHandler? AnswerDeferred { get; init; }

    /// <summary>A client has connected; false turns it away.</summary>
    public Func<ClientInfo, bool>? ClientOpened { get; init; }

    /// <summary>A client that was let in has left.</summary>
    public Action<ClientInfo>? ClientClosed { get; init; }

    /// <summary>One line, without its end, for each thing worth knowing.</summary>
    public Action<string>? Log { get; init; }
}
