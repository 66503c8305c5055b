using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

/// <summary><c>TPM_DisableOwnerClear</c>, Part 3 §6.4: from now on TPM_ForceClear alone clears the owner.</summary>
public sealed class DisableOwnerClear()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.DisableOwnerClear, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { DisableOwnerClear = true };
        return Success;
    }
}
