using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

/// <summary><c>TPM_PhysicalEnable</c>, Part 3 §5.3: enables the TPM, on physical presence.</summary>
public sealed class PhysicalEnable()
    : TpmCommand<NoParameters, NoParameters>(
        TpmOrdinal.PhysicalEnable, Sessions.None, Availability.Always, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (!tpm.PhysicalPresence) return BadPresence;
        tpm.PermanentFlags = tpm.PermanentFlags with { Disable = false };
        return Success;
    }
}
