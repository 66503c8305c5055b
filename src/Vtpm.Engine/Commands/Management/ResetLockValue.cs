using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Management;

/// <summary><c>TPM_ResetLockValue</c>, Part 3 §9.3: the owner ends the defence against guessing, in the middle of a lock-out, too.</summary>
public sealed class ResetLockValue()
    : TpmCommand<NoParameters, NoParameters>(TpmOrdinal.ResetLockValue, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref NoParameters response)
    {
        if (tpm.DictionaryAttack.DisableResetLock) return AuthFail;
        // Action 2: a failure restarts the lock-out and disables this command for it; that is kept with the count of failures.
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        tpm.Permanent = tpm.Permanent with { DictionaryAttack = DictionaryAttack.None };
        return Success;
    }
}
