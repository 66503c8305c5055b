using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

/// <summary><c>TPM_ForceClear</c>, Part 3 §6.3: what TPM_OwnerClear does, on physical presence; also where there is no owner.</summary>
public sealed class ForceClear()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.ForceClear, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (!tpm.PhysicalPresence) return BadPresence;
        if (tpm.StClearFlags.DisableForceClear) return ClearDisabled;
        OwnerClear.Clear(tpm);
        return Success;
    }
}
