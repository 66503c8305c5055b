using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

/// <summary><c>TPM_DisablePubekRead</c>, Part 3 §27.7: no more TPM_ReadPubek. TPM_TakeOwnership does the same, for a long time now.</summary>
public sealed class DisablePubekRead()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.DisablePubekRead, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { ReadPubek = false };
        return Success;
    }
}
