using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.OptIn;

/// <summary><c>TPM_SetTempDeactivated</c>, Part 3 §5.6: the operator deactivates the TPM until the next boot.</summary>
public sealed class SetTempDeactivated()
    : TpmCommand<NoParameters, NoParameters>(
        TpmOrdinal.SetTempDeactivated, Sessions.None | Sessions.One, Availability.NoOwner | Availability.Disabled, Duration.Short, Audit.Default)
{
    /// <summary>No session can be bound to the operator: OIAP alone authorizes it.</summary>
    private static readonly AuthEntity Operator = new(TpmEntityType.Operator, default);

    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (AuthorizeOperator(tpm).Failed(out TpmResult error)) return error;
        tpm.StClearFlags = tpm.StClearFlags with { Deactivated = true };
        // Part 1 §18.1: what deactivates the TPM ends its transport sessions.
        tpm.State = tpm.State with { Transports = HandleTable<TransportSession>.Empty };
        return Success;
    }

    private static TpmResult AuthorizeOperator(CommandContext tpm)
    {
        if (tpm.Auths.Count == 0) return tpm.PhysicalPresence ? Success : BadPresence;
        bool isSet = tpm.PermanentFlags.Operator && tpm.PermanentData.OperatorAuth is not null;
        return isSet ? tpm.Authorize(Operator, tpm.PermanentData.OperatorAuth!) : NoOperator;
    }
}
