using Vtpm.Engine.Commands.Testing;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Startup;

public struct StartupRequest : IWireStructure<StartupRequest>
{
    public TpmStartupType StartupType;

    public static void Describe<TCodec>(ref TCodec wire, ref StartupRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Enum(ref value.StartupType);
}

/// <summary><c>TPM_Startup</c>, Part 3 §3.2: how the platform starts after TPM_Init.</summary>
public sealed class Startup()
    : TpmCommand<StartupRequest, NoParameters>(TpmOrdinal.Startup, Sessions.None, Availability.Always | Availability.PostInit, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in StartupRequest request, ref NoParameters response)
    {
        if (!tpm.State.StAnyFlags.PostInitialise) return InvalidPostInit;
        // What measures the platform is tested before the first measurement (Part 1 §9.2).
        if (!SelfTest.HashWorks()) return tpm.EnterFailureMode(FailureCause.Hash);
        SavedState? saved = tpm.Permanent.SavedState;
        switch (request.StartupType)
        {
            case TpmStartupType.Clear:
                StartClear(tpm, deactivated: tpm.PermanentFlags.Deactivated);
                break;
            case TpmStartupType.State when saved is not null:
                Restore(tpm, saved);
                break;
            case TpmStartupType.State:
                // Nothing to restore: whoever comes next must not be able to pose as the firmware (§3.2 action 3a).
                return tpm.EnterFailureMode(FailureCause.NoSavedState);
            case TpmStartupType.Deactivated:
                StartClear(tpm, deactivated: true);
                break;
            default:
                return BadParameter;
        }

        tpm.Permanent = tpm.Permanent with { SavedState = null };
        tpm.State = tpm.State with { StAnyFlags = new StAnyFlags { PostInitialise = false } };
        return Success;
    }

    /// <summary>§3.2 actions 2 and 4: everything that TPM_Startup resets is at its default already, for TPM_Init made the state.</summary>
    private static void StartClear(CommandContext tpm, bool deactivated)
    {
        StartTicks(tpm);
        tpm.StClearFlags = new TpmStClearFlags { Deactivated = deactivated };
        tpm.State = tpm.State with { Keys = tpm.Permanent.OwnerEvictKeys };
    }

    private static void Restore(CommandContext tpm, SavedState saved)
    {
        StartTicks(tpm);
        tpm.StClearFlags = saved.StClearFlags;
        tpm.StClearData = saved.StClearData;
        tpm.State = tpm.State with { Pcrs = saved.Pcrs, Keys = saved.Keys };
    }

    private static void StartTicks(CommandContext tpm) => tpm.State = tpm.State with
    {
        StAnyData = new StAnyData { TickNonce = tpm.NewNonce(), TickStart = tpm.Platform.Time.GetTimestamp() },
    };
}
