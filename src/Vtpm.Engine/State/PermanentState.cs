using System.Collections.Frozen;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>What outlives the power: persisted, whole, before the answer of the command that changed it leaves.</summary>
public sealed record PermanentState
{
    /// <summary>As a TPM leaves the factory that Xen's are from: enabled, activated, ready for an owner.</summary>
    public static TpmPermanentFlags Defaults => new() { Ownership = true, ReadPubek = true };

    /// <summary><c>TPM_PERMANENT_FLAGS</c>, Part 2 §7.1.</summary>
    public TpmPermanentFlags Flags { get; init; } = Defaults;

    public required PermanentData Data { get; init; }

    public NvStorage Nv { get; init; } = NvStorage.Empty;

    public CounterTable Counters { get; init; } = CounterTable.Empty;

    /// <summary>The family table and the delegate table.</summary>
    public DelegationTables Delegation { get; init; } = DelegationTables.Empty;

    public DictionaryAttack DictionaryAttack { get; init; } = DictionaryAttack.None;

    /// <summary>Keys that the owner has pinned (TPM_KeyControlOwner).</summary>
    public HandleTable<LoadedKey> OwnerEvictKeys { get; init; } = HandleTable<LoadedKey>.Empty;

    /// <summary>What TPM_SaveState has kept for TPM_Startup(ST_STATE).</summary>
    public SavedState? SavedState { get; init; }
}

/// <summary><c>TPM_PERMANENT_DATA</c>, Part 2 §7.4.</summary>
public sealed record PermanentData
{
    /// <summary>The secret that marks what only this TPM, under this owner, can have made.</summary>
    public required Secret TpmProof { get; init; }

    /// <summary>AES-128 key of the context blobs.</summary>
    public required Secret ContextKey { get; init; }

    /// <summary>AES-128 key of the delegation blobs.</summary>
    public required Secret DelegateKey { get; init; }

    /// <summary>What TPM_RevokeTrust asks for; null while the endorsement key cannot be revoked.</summary>
    public Secret? EKReset { get; init; }

    /// <summary>Null while there is no owner.</summary>
    public Secret? OwnerAuth { get; init; }

    public Secret? OperatorAuth { get; init; }

    public LoadedKey? EndorsementKey { get; init; }

    public LoadedKey? Srk { get; init; }

    public TpmDigest AuthDir { get; init; }

    public uint NoOwnerNvWrite { get; init; }

    /// <summary>TPM_CMK_DELEGATE, what delegates may do with certified migration keys.</summary>
    public uint RestrictDelegate { get; init; }

    /// <summary>tpmDAASeed. It, <see cref="DaaProof"/> and <see cref="DaaBlobKey"/> are made and lost together.</summary>
    public Secret? DaaSeed { get; init; }

    public Secret? DaaProof { get; init; }

    /// <summary>AES-128 key of what a DAA session keeps outside (TPM_DAA_BLOB).</summary>
    public Secret? DaaBlobKey { get; init; }

    /// <summary>manuMaintPub, the key that maintenance archives are made for; null until TPM_LoadManuMaintPub has brought one.</summary>
    public TpmPubKey? ManuMaintPub { get; init; }

    /// <summary>
    /// ordinalAuditStatus, as what differs from the Audit column of Part 2 §17: the ordinals that the owner has turned on or off. So a command that a
    /// later build adds is audited as its row says.
    /// </summary>
    public IReadOnlySet<TpmOrdinal> AuditChanges { get; init; } = FrozenSet<TpmOrdinal>.Empty;

    /// <summary>auditMonotonicCounter: the audit sessions that there have been.</summary>
    public uint AuditMonotonicCounter { get; init; }

    /// <summary>Highest id that a delegation family has had.</summary>
    public uint LastFamilyId { get; init; }
}

/// <summary>
/// What TPM_SaveState keeps for TPM_Startup(ST_STATE) (Part 3 §3.3): the PCRs that are not resettable, TPM_STCLEAR_FLAGS and TPM_STCLEAR_DATA,
/// and the keys in their slots. Any change of the state after it makes it worthless.
/// </summary>
public sealed record SavedState(PcrBank Pcrs, TpmStClearFlags StClearFlags, StClearData StClearData, HandleTable<LoadedKey> Keys);
