using System.Collections.Frozen;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

/// <summary><c>TPM_OwnerClear</c>, Part 3 §6.2: the owner steps down, and everything under that owner is gone.</summary>
public sealed class OwnerClear()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.OwnerClear, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (tpm.PermanentFlags.DisableOwnerClear) return ClearDisabled;
        Clear(tpm);
        return Success;
    }

    /// <summary>
    /// Actions 3 to 14, which TPM_ForceClear and TPM_RevokeTrust share. What is not named here does not outlive the owner: volatile state begins anew
    /// but for what is kept below, so that a region that is added to it is cleared unless somebody decides otherwise.
    /// </summary>
    internal static void Clear(CommandContext tpm)
    {
        TpmState before = tpm.State;
        NvStorage nv = before.Permanent.Nv.WithoutOwnerAreas();
        tpm.State = new TpmState
        {
            Permanent = before.Permanent with
            {
                Flags = ClearFlags(before.Permanent.Flags, tpm.Platform.Profile),
                Data = ClearData(tpm, before.Permanent.Data),
                Nv = nv,
                Counters = before.Permanent.Counters.ReleaseAll(),
                Delegation = DelegationTables.Empty,
                OwnerEvictKeys = HandleTable<LoadedKey>.Empty,
                SavedState = null,
            },
            StClearFlags = before.StClearFlags,
            StClearData = ClearData(before.StClearData, nv),
            StAnyFlags = before.StAnyFlags,
            StAnyData = new StAnyData { TickNonce = tpm.NewNonce(), TickStart = tpm.Platform.Time.GetTimestamp() },
            Pcrs = before.Pcrs,
            IsEndorsementKeyFresh = before.IsEndorsementKeyFresh,
            LockoutStart = before.LockoutStart,
        };
    }

    // The locks belong to the NV areas: those that stay stay locked.
    private static StClearData ClearData(StClearData data, NvStorage nv) =>
        new StClearData { NvReadLocks = data.NvReadLocks, NvWriteLocks = data.NvWriteLocks }.OnlyLocksOf(nv);

    /// <summary>
    /// Actions 9 and 10. The default of disable and deactivated is TRUE (Part 2 §7.1): presence must be proven before there is a new owner.
    /// </summary>
    private static TpmPermanentFlags ClearFlags(TpmPermanentFlags flags, TpmProfile profile) => flags with
    {
        Disable = true,
        Deactivated = true,
        ReadPubek = true,
        DisableOwnerClear = false,
        DisableFullDALogicInfo = false,
        AllowMaintenance = profile.MaintenanceCommands,
        ReadSrkPub = false,
        Ownership = true,
        Operator = false,
        MaintenanceDone = false,
    };

    /// <summary>Actions 4 to 6. Keys that cannot be absent are made anew: what was under the old ones is as invalid.</summary>
    private static PermanentData ClearData(CommandContext tpm, PermanentData data) => data with
    {
        OwnerAuth = null,
        Srk = null,
        DelegateKey = tpm.NewSecret(16),
        ContextKey = tpm.NewSecret(16),
        TpmProof = tpm.NewSecret(),
        OperatorAuth = null,
        NoOwnerNvWrite = 0,
        AuditChanges = FrozenSet<TpmOrdinal>.Empty,
        RestrictDelegate = 0,
    };
}
