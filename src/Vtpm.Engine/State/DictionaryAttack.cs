using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// Defence against guessing (Part 1 §8.1). Failed authorizations are counted, for all entities together. From <see cref="Threshold"/> on each failure
/// begins a lock-out, twice as long as the one before, in which no secret is compared. The count outlives the power, so that switching off and on
/// gains nothing: the lock-out then starts over. It is forgiven slowly, so that a year of slips of the finger does not add up to one.
/// </summary>
/// <remarks>
/// Two clocks, for two purposes. A lock-out runs by the time powered on. Forgiveness runs by the platform's date, for it must go on while the
/// power is off; that is the host's clock, which no guest can set. Where it is set back, forgiveness waits.
/// </remarks>
public sealed record DictionaryAttack
{
    /// <summary>Failures that lock the TPM for a time.</summary>
    public const int Threshold = 15;

    /// <summary>Quiet time, once the lock-out is over, that takes one failure off the count: an attacker can go on with twelve guesses a day.</summary>
    public static readonly TimeSpan Forgiveness = TimeSpan.FromHours(2);

    private static readonly TimeSpan FirstLockout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestLockout = TimeSpan.FromHours(24);

    public static DictionaryAttack None { get; } = new();

    /// <summary>The count right after the last failure.</summary>
    public uint FailedAuthorizations { get; init; }

    /// <summary>When the last failure was, by the platform's date.</summary>
    public DateTimeOffset LastFailure { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>The last failure was one of TPM_ResetLockValue, which is refused until the lock-out is over (Part 3 §9.3 action 2).</summary>
    public bool ResetFailed { get; init; }

    /// <summary>How it stands now.</summary>
    /// <param name="now">The platform's date.</param>
    /// <param name="lockedFor">Time powered on since the last failure, or since the power came on.</param>
    public DictionaryAttackStatus At(DateTimeOffset now, TimeSpan lockedFor)
    {
        TimeSpan quiet = now - LastFailure - LockoutOf(FailedAuthorizations);
        uint forgiven = quiet > TimeSpan.Zero ? (uint)Math.Min(quiet / Forgiveness, FailedAuthorizations) : 0;
        uint count = FailedAuthorizations - forgiven;
        TimeSpan left = LockoutOf(count) - lockedFor;
        return left > TimeSpan.Zero ? new DictionaryAttackStatus(count, left, ResetFailed) : new DictionaryAttackStatus(count, TimeSpan.Zero, false);
    }

    /// <summary>After one failure more.</summary>
    /// <param name="count">The count before it, less what was forgiven.</param>
    /// <param name="now">The platform's date.</param>
    /// <param name="atReset">It was one of TPM_ResetLockValue, or came in a lock-out that one of those has begun.</param>
    public static DictionaryAttack AfterFailure(uint count, DateTimeOffset now, bool atReset) =>
        new() { FailedAuthorizations = count == uint.MaxValue ? count : count + 1, LastFailure = now, ResetFailed = atReset };

    private static TimeSpan LockoutOf(uint count)
    {
        if (count < Threshold) return TimeSpan.Zero;
        double seconds = FirstLockout.TotalSeconds * Math.Pow(2, Math.Min(count - Threshold, 32));
        return TimeSpan.FromSeconds(Math.Min(seconds, LongestLockout.TotalSeconds));
    }
}

/// <summary>The defence against guessing at one moment, as TPM_GetCapability(TPM_CAP_DA_LOGIC) tells it.</summary>
/// <param name="Count">Failures that are not forgiven.</param>
/// <param name="LockoutLeft">What is left of the lock-out; zero when there is none.</param>
/// <param name="DisableResetLock">TPM_STCLEAR_DATA disableResetLock: TPM_ResetLockValue is refused, too, for the rest of the lock-out.</param>
public readonly record struct DictionaryAttackStatus(uint Count, TimeSpan LockoutLeft, bool DisableResetLock)
{
    public bool IsLockedOut => LockoutLeft > TimeSpan.Zero;

    /// <summary><c>TPM_DA_INFO</c>, Part 2 §21.7; the same for every type of entity.</summary>
    public TpmDaInfo Info => new()
    {
        State = State,
        CurrentCount = (ushort)Math.Min(Count, ushort.MaxValue),
        ThresholdCount = DictionaryAttack.Threshold,
        ActionAtThreshold = Action,
        ActionDependValue = (uint)Math.Ceiling(LockoutLeft.TotalSeconds),
    };

    /// <summary><c>TPM_DA_INFO_LIMITED</c>, Part 2 §21.8: without what would tell an attacker when to go on.</summary>
    public TpmDaInfoLimited LimitedInfo => new() { State = State, ActionAtThreshold = Action };

    private static TpmDaActionType Action => new() { Actions = TpmDaActions.Timeout };

    private TpmDaState State => IsLockedOut ? TpmDaState.Active : TpmDaState.Inactive;
}
