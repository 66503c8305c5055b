using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// All that a TPM knows, immutable. A command proposes another one; the host persists it when <see cref="Permanent"/> is another object, commits it
/// by taking it, and only then lets the answer leave.
/// </summary>
public sealed record TpmState
{
    /// <summary>What survives the power: TPM_PERMANENT_FLAGS, TPM_PERMANENT_DATA, NV and counters.</summary>
    public required PermanentState Permanent { get; init; }

    public TpmStClearFlags StClearFlags { get; init; }

    public StClearData StClearData { get; init; } = new();

    public StAnyFlags StAnyFlags { get; init; } = new();

    public StAnyData StAnyData { get; init; } = new();

    public PcrBank Pcrs { get; init; } = PcrBank.Initial;

    public HandleTable<LoadedKey> Keys { get; init; } = HandleTable<LoadedKey>.Empty;

    public HandleTable<AuthSession> Sessions { get; init; } = HandleTable<AuthSession>.Empty;

    /// <summary>The transport sessions that are open.</summary>
    public HandleTable<TransportSession> Transports { get; init; } = HandleTable<TransportSession>.Empty;

    /// <summary>Sessions of TPM_DAA_Join and TPM_DAA_Sign.</summary>
    public HandleTable<DaaSession> DaaSessions { get; init; } = HandleTable<DaaSession>.Empty;

    /// <summary>The SHA-1 thread (Part 3 §13), when one runs.</summary>
    public Sha1Thread? Sha1Thread { get; init; }

    /// <summary>The endorsement key was made since the power came on, here and nowhere else: TPM_ParentSignEK asks.</summary>
    public bool IsEndorsementKeyFresh { get; init; }

    /// <summary>What has put the TPM into failure mode, if it is there.</summary>
    public FailureCause FailureCause { get; init; }

    /// <summary>Failure mode (Part 1 §9.2): after a self-test or a command has failed for inner reasons, only the test's result can be had.</summary>
    public bool Failed => FailureCause != FailureCause.None;

    /// <summary>
    /// This state in failure mode. What TPM_SaveState has kept is forgotten (Part 1 §9.2 action 10c), and with it the nonce of the key contexts, so that
    /// they are worth nothing after the failure (Part 1 §21 rule 10).
    /// </summary>
    public TpmState InFailureMode(FailureCause cause) => this with
    {
        FailureCause = cause,
        Permanent = Permanent.SavedState is null ? Permanent : Permanent with { SavedState = null },
    };

    /// <summary>
    /// When the lock-out of the dictionary attack defence began: at the last failure, or when the power came on. A timestamp of the platform's clock.
    /// </summary>
    public long LockoutStart { get; init; }
}

/// <summary><c>TPM_STCLEAR_DATA</c>, Part 2 §7.5. The PCRs are a region of their own.</summary>
public sealed record StClearData
{
    public TpmNonce ContextNonceKey { get; init; }

    /// <summary>The counter that may be incremented until the next TPM_Startup(ST_CLEAR); 0 for none yet.</summary>
    public uint CountId { get; init; }

    public uint OwnerReference { get; init; } = TpmKeyHandle.Owner;

    public uint DeferredPhysicalPresence { get; init; }

    /// <summary>NV areas whose write lock lasts until TPM_Startup(ST_CLEAR) (bWriteSTClear, Part 2 §19.3), by index.</summary>
    public IReadOnlySet<uint> NvWriteLocks { get; init; } = EmptySet;

    /// <summary>NV areas whose read lock lasts until TPM_Startup(ST_CLEAR) (bReadSTClear), by index.</summary>
    public IReadOnlySet<uint> NvReadLocks { get; init; } = EmptySet;

    private static readonly IReadOnlySet<uint> EmptySet = System.Collections.Frozen.FrozenSet<uint>.Empty;
}

/// <summary><c>TPM_STANY_FLAGS</c>, Part 2 §7.3: reset by every TPM_Startup. The locality is the command's, not the state's.</summary>
public sealed record StAnyFlags
{
    /// <summary>TPM_Init was, TPM_Startup was not yet.</summary>
    public bool PostInitialise { get; init; } = true;

    public bool TosPresent { get; init; }
}

/// <summary><c>TPM_STANY_DATA</c>, Part 2 §7.6. Sessions are a region of their own.</summary>
public sealed record StAnyData
{
    public TpmNonce ContextNonceSession { get; init; }

    /// <summary>Distinguishes the tick sessions: made anew when the ticks start from zero.</summary>
    public TpmNonce TickNonce { get; init; }

    /// <summary>When the ticks were zero; a timestamp of the platform's clock.</summary>
    public long TickStart { get; init; }

    /// <summary>The log of audited commands; all zeros while no audit session is open.</summary>
    public TpmDigest AuditDigest { get; init; }

    public uint ContextCount { get; init; }

    /// <summary>contextCount values of the session contexts that were saved and not loaded again, the oldest first.</summary>
    public IReadOnlyList<uint> ContextList { get; init; } = [];

    /// <summary>Those of <see cref="ContextList"/> that TPM_SaveAuthContext has made: TPM_Reset forgets them, and no others (Part 3 §27.5).</summary>
    public IReadOnlyList<uint> AuthContextList { get; init; } = [];

    /// <summary>Those of <see cref="ContextList"/> that hold the session of a delegate: they end when sessions of delegates do (Part 3 §19.1 action 4).</summary>
    public IReadOnlyList<uint> DelegatedContextList { get; init; } = [];

    /// <summary>Identifies the blobs of TPM_SaveKeyContext, which neither TPM_Reset nor the power's end leaves valid; zero until there is one.</summary>
    public TpmNonce KeyContextNonce { get; init; }

    /// <summary>Forgets session contexts: their blobs can never be loaded again.</summary>
    public StAnyData WithoutContexts(Func<uint, bool> leaves) => this with
    {
        ContextList = [.. ContextList.Where(saved => !leaves(saved))],
        AuthContextList = [.. AuthContextList.Where(saved => !leaves(saved))],
        DelegatedContextList = [.. DelegatedContextList.Where(saved => !leaves(saved))],
    };
}
