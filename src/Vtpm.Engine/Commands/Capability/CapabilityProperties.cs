using Vtpm.Wire;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>TPM_CAP_PROPERTY, Part 2 §21.2: the limits of this TPM, and what is left of them.</summary>
internal static class CapabilityProperties
{
    /// <summary>What every TPM_Startup resets: a power cycle comes before it.</summary>
    private const TpmStartupEffects StartupEffects = TpmStartupEffects.ContextByStState | TpmStartupEffects.TransByStState
        | TpmStartupEffects.HashByStState | TpmStartupEffects.AuthByStState | TpmStartupEffects.AuditDigestByAny | TpmStartupEffects.DaaByStState;

    /// <returns>TPM_BAD_MODE for a property that there is not.</returns>
    public static TpmResult Read(CommandContext tpm, TpmCapabilityProperty property, out ReadOnlyMemory<byte> value)
    {
        TpmProfile profile = tpm.Platform.Profile;
        value = property switch
        {
            TpmCapabilityProperty.Owner => CapabilityValue.Of(tpm.HasOwner),
            TpmCapabilityProperty.DaaInterrupt => CapabilityValue.Of(true),
            TpmCapabilityProperty.TisTimeout => CapabilityValue.Of([.. profile.Timeouts]),
            TpmCapabilityProperty.Duration => CapabilityValue.Of([.. profile.Durations]),
            _ => (Limit(profile, property) ?? Current(tpm, property)) is { } number ? CapabilityValue.Of(number) : default,
        };
        return value.IsEmpty ? TpmResult.BadMode : TpmResult.Success;
    }

    /// <summary>What never changes.</summary>
    private static uint? Limit(TpmProfile profile, TpmCapabilityProperty property) => property switch
    {
        TpmCapabilityProperty.Pcr => PcrBank.Count,
        TpmCapabilityProperty.Dir => 1,
        TpmCapabilityProperty.Manufacturer => profile.Manufacturer,
        TpmCapabilityProperty.MaxKeys => (uint)profile.KeySlots,
        TpmCapabilityProperty.MaxAuthSess => (uint)profile.AuthSessions,
        TpmCapabilityProperty.MaxTransSess => (uint)profile.TransportSessions,
        // Two pools: of either kind there can be as many as its own limit says.
        TpmCapabilityProperty.MaxSessions => (uint)(profile.AuthSessions + profile.TransportSessions),
        TpmCapabilityProperty.MaxCounters => (uint)profile.Counters,
        TpmCapabilityProperty.MaxContext => (uint)profile.ContextSlots,
        TpmCapabilityProperty.MaxDaaSess => (uint)profile.DaaSessions,
        TpmCapabilityProperty.ContextDist => profile.ContextDistance,
        TpmCapabilityProperty.FamilyRows => DelegationTables.FamilyRows,
        TpmCapabilityProperty.DelegateRow => DelegationTables.DelegateRows,
        // Counters are kept on a disk, which does not wear out as the cells of a chip do: no throttling.
        TpmCapabilityProperty.MinCounter => 0,
        TpmCapabilityProperty.StartupEffect => (uint)StartupEffects,
        TpmCapabilityProperty.InputBuffer => (uint)profile.InputBufferSize,
        _ => null,
    };

    /// <summary>What changes with use.</summary>
    private static uint? Current(CommandContext tpm, TpmCapabilityProperty property)
    {
        TpmProfile profile = tpm.Platform.Profile;
        TpmState state = tpm.State;
        return property switch
        {
            TpmCapabilityProperty.Keys => Left(profile.KeySlots, state.Keys.Count),
            TpmCapabilityProperty.AuthSess => Left(profile.AuthSessions, state.Sessions.Count),
            TpmCapabilityProperty.TransSess => Left(profile.TransportSessions, state.Transports.Count),
            TpmCapabilityProperty.Sessions => Left(profile.AuthSessions, state.Sessions.Count) + Left(profile.TransportSessions, state.Transports.Count),
            TpmCapabilityProperty.Counters => Left(profile.Counters, state.Permanent.Counters.Counters.Count),
            TpmCapabilityProperty.Context => Left(profile.ContextSlots, state.StAnyData.ContextList.Count),
            TpmCapabilityProperty.DaaSess => Left(profile.DaaSessions, state.DaaSessions.Count),
            TpmCapabilityProperty.CmkRestriction => state.Permanent.Data.RestrictDelegate,
            TpmCapabilityProperty.ActiveCounter => state.StClearData.CountId is 0 ? MonotonicCounter.Illegal : state.StClearData.CountId,
            TpmCapabilityProperty.MaxNvAvailable => (uint)state.Permanent.Nv.Available(profile),
            _ => null,
        };
    }

    private static uint Left(int limit, int used) => (uint)Math.Max(limit - used, 0);
}
