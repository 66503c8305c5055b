using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

/// <summary><c>TPM_DisableForceClear</c>, Part 3 §6.5: no TPM_ForceClear until the next boot.</summary>
public sealed class DisableForceClear()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.DisableForceClear, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        tpm.StClearFlags = tpm.StClearFlags with { DisableForceClear = true };
        return Success;
    }
}
