using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

public struct PhysicalSetDeactivatedRequest : IWireStructure<PhysicalSetDeactivatedRequest>
{
    public bool State;

    public static void Describe<TCodec>(ref TCodec wire, ref PhysicalSetDeactivatedRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Bool(ref value.State);
}

/// <summary>
/// <c>TPM_PhysicalSetDeactivated</c>, Part 3 §5.5: whether the TPM comes up deactivated, on physical presence. Felt from the next
/// TPM_Startup(ST_CLEAR) on (Part 2 §7.1 action 3c).
/// </summary>
public sealed class PhysicalSetDeactivated()
    : TpmCommand<PhysicalSetDeactivatedRequest, NoParameters>(
        TpmOrdinal.PhysicalSetDeactivated, Sessions.None, Availability.NoOwner | Availability.Deactivated, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in PhysicalSetDeactivatedRequest request, ref NoParameters response)
    {
        if (!tpm.PhysicalPresence) return BadPresence;
        tpm.PermanentFlags = tpm.PermanentFlags with { Deactivated = request.State };
        return Success;
    }
}
