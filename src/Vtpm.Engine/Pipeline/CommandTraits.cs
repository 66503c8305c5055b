using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>How many authorization sessions a command may bring: the AUTH2, AUTH1 and RQU columns of Part 2 §17.</summary>
[Flags]
public enum Sessions
{
    None = 1,
    One = 2,
    Two = 4,
}

/// <summary>When a command may run: the Avail and No Owner columns of Part 2 §17. A column that says "sometimes" is declared, and decided by the command.</summary>
[Flags]
public enum Availability
{
    /// <summary>With an owner, enabled and activated.</summary>
    Owned = 0,

    /// <summary>Also without an owner.</summary>
    NoOwner = 1,

    /// <summary>Also while deactivated.</summary>
    Deactivated = 2,

    /// <summary>Also while disabled.</summary>
    Disabled = 4,

    /// <summary>Also between TPM_Init and TPM_Startup.</summary>
    PostInit = 8,

    /// <summary>Also in failure mode (Part 1 §9.2).</summary>
    Failed = 16,

    /// <summary>Without an owner, while deactivated and while disabled.</summary>
    Always = NoOwner | Deactivated | Disabled,
}

/// <summary>The Duration column of Part 2 §17.</summary>
public enum Duration
{
    /// <summary>No asymmetric cryptography.</summary>
    Short,

    /// <summary>An asymmetric operation.</summary>
    Medium,

    /// <summary>Generates a key.</summary>
    Long,
}

/// <summary>The Audit column of Part 2 §17.</summary>
public enum Audit
{
    /// <summary>Audited when the owner asks for it.</summary>
    No,

    /// <summary>Audited unless the owner turns it off.</summary>
    Default,

    /// <summary>Never audited.</summary>
    Never,
}

/// <summary>What a command has to do with transport sessions (Part 3 §24).</summary>
public enum TransportRole
{
    /// <summary>It can be wrapped in one.</summary>
    Wrapped,

    /// <summary>It opens one.</summary>
    Opens,

    /// <summary>Its last authorization block is that of one.</summary>
    Uses,
}

/// <summary>What a command declares about itself: its row in the table of Part 2 §17.</summary>
public sealed record CommandTraits
{
    public required TpmOrdinal Ordinal { get; init; }

    public required Sessions Sessions { get; init; }

    public required Availability Availability { get; init; }

    public required Duration Duration { get; init; }

    public Audit Audit { get; init; }

    /// <summary>Handles at the start of the request, which are in no HMAC (Part 1 §25).</summary>
    public int InHandles { get; init; }

    /// <summary>Handles at the start of the response, which are in no HMAC.</summary>
    public int OutHandles { get; init; }

    /// <summary>True for a command that leaves the SHA-1 thread running, also when it fails; any other ends it (Part 3 §13.1).</summary>
    public bool KeepsSha1Thread { get; init; }

    /// <summary>True for a request whose data may be somebody's secret, in the clear: they are read into memory that is zeroed with the command.</summary>
    public bool SecretRequest { get; init; }

    public TransportRole Transport { get; init; }

    /// <summary>Transport sessions cannot be nested (Part 3 §24.2 action 9).</summary>
    public bool IsTransportable => Transport == TransportRole.Wrapped;

    /// <summary>
    /// Bytes at the start of the request's parameters that a transport session neither encrypts nor logs: the handles, and more of the commands that
    /// open sessions (Part 3 §24.2 description 6).
    /// </summary>
    public int BareIn
    {
        get => field < 0 ? 4 * InHandles : field;
        init;
    } = -1;

    /// <summary>The same at the start of the response's parameters.</summary>
    public int BareOut
    {
        get => field < 0 ? 4 * OutHandles : field;
        init;
    } = -1;

    public int MaxSessions => Sessions.HasFlag(Sessions.Two) ? 2 : Sessions.HasFlag(Sessions.One) ? 1 : 0;

    public bool Allows(int sessions) => ((int)Sessions >> sessions & 1) == 1;
}
