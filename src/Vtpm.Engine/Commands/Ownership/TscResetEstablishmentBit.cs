using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Ownership;

/// <summary><c>TSC_ResetEstablishmentBit</c>, Part 3 §6.7: forgets that there was a dynamic launch.</summary>
public sealed class TscResetEstablishmentBit()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.TscResetEstablishmentBit, Sessions.None, Availability.Always, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.Locality is not (3 or 4)) return BadLocality;
        tpm.PermanentFlags = tpm.PermanentFlags with { TpmEstablished = false };
        return Success;
    }
}
