using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

/// <summary><c>TPM_PhysicalDisable</c>, Part 3 §5.4: disables the TPM, on physical presence.</summary>
public sealed class PhysicalDisable()
    : TpmCommand<NoParameters, NoParameters>(
        TpmOrdinal.PhysicalDisable, Sessions.None, Availability.NoOwner | Availability.Deactivated, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (!tpm.PhysicalPresence) return BadPresence;
        tpm.PermanentFlags = tpm.PermanentFlags with { Disable = true };
        return Success;
    }
}
