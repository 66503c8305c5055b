using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>What a command leaves behind when it fails: a guess that is counted, a TPM in failure mode.</content>
public sealed partial class CommandContext
{
    private bool _guessed;
    private FailureCause _failureCause;
    private uint? _endingDaaSession;

    /// <summary>The defence against guessing, as it stands now.</summary>
    public DictionaryAttackStatus DictionaryAttack =>
        Permanent.DictionaryAttack.At(Platform.Time.GetUtcNow(), Platform.Time.GetElapsedTime(State.LockoutStart));

    /// <summary>True for TPM_ResetLockValue, which ends a lock-out, and has a rule of its own for guesses at it (Part 3 §9.3).</summary>
    private bool EndsLockout => Command.Traits.Ordinal == TpmOrdinal.ResetLockValue;

    private bool IsLockedOut => !EndsLockout && DictionaryAttack.IsLockedOut;

    /// <summary>
    /// Compares a secret that came in the clear, in constant time. Where presence is proven, the defence against guessing does not refuse: whoever
    /// stands before the machine has other ways.
    /// </summary>
    /// <returns>TPM_SUCCESS, TPM_AUTHFAIL, or TPM_DEFEND_LOCK_RUNNING without having looked.</returns>
    public TpmResult CompareSecret(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> given)
    {
        if (IsLockedOut && !PhysicalPresence) return TpmResult.DefendLockRunning;
        return CryptographicOperations.FixedTimeEquals(expected, given) ? TpmResult.Success : Fail(TpmResult.AuthFail);
    }

    /// <summary>
    /// Compares a proof of a secret, which is an HMAC under it, in constant time: a guess at the secret like that of a session (Part 3 §27.4.2).
    /// </summary>
    /// <returns>TPM_SUCCESS, TPM_AUTHFAIL, or TPM_DEFEND_LOCK_RUNNING without having looked.</returns>
    public TpmResult CompareProof(in TpmDigest expected, in TpmDigest given)
    {
        if (IsLockedOut) return TpmResult.DefendLockRunning;
        return expected.FixedTimeEquals(given) ? TpmResult.Success : Fail(TpmResult.AuthFail);
    }

    /// <summary>The TPM goes into failure mode (Part 1 §9.2) once the command has failed with what this returns: TPM_FAILEDSELFTEST.</summary>
    public TpmResult EnterFailureMode(FailureCause cause)
    {
        _failureCause = cause;
        return TpmResult.FailedSelfTest;
    }

    /// <summary>A failure of this command, whatever comes, ends the DAA session (Part 3 §26.1 and §26.2, action 2).</summary>
    public void EndDaaSessionOnFailure(uint handle) => _endingDaaSession = handle;

    /// <summary>The effects of the failure on the state from before the command.</summary>
    internal TpmState AfterFailure(TpmState before)
    {
        if (_failureCause != FailureCause.None) before = before.InFailureMode(_failureCause);
        if (_endingDaaSession is { } handle && before.DaaSessions.Find(handle) is not null)
            before = before with { DaaSessions = before.DaaSessions.Remove(handle) };
        if (!_guessed) return before;
        DictionaryAttackStatus status = DictionaryAttack;
        // Where presence is proven, secrets are compared during a lock-out, too: such a failure must not open TPM_ResetLockValue to guesses again.
        bool atReset = EndsLockout || status.DisableResetLock;
        var counted = Engine.DictionaryAttack.AfterFailure(status.Count, Platform.Time.GetUtcNow(), atReset);
        return before with { Permanent = before.Permanent with { DictionaryAttack = counted }, LockoutStart = Platform.Time.GetTimestamp() };
    }

    /// <summary>A comparison of secrets has failed: it counts as a guess (Part 1 §8.1).</summary>
    private TpmResult Fail(TpmResult failure)
    {
        _guessed = true;
        return failure;
    }
}
