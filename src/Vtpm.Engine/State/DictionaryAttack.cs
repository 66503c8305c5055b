namespace Vtpm.Engine;

/// <summary>
/// Defence against guessing (Part 1 §24, TPM_DA_INFO in Part 2 §21.9). The count of failures outlives a power cycle, so that switching off and on
/// gains nothing; the time that a lock-out has still to run starts anew with the power.
/// </summary>
public sealed record DictionaryAttack
{
    /// <summary>Failures that lock the TPM for a time.</summary>
    public const int Threshold = 15;

    private static readonly TimeSpan FirstLockout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestLockout = TimeSpan.FromHours(24);

    public static DictionaryAttack None { get; } = new();

    public uint FailedAuthorizations { get; init; }

    /// <summary>How long the lock-out lasts that the last failure has begun: it doubles with each failure beyond the threshold.</summary>
    public TimeSpan Lockout => FailedAuthorizations < Threshold
        ? TimeSpan.Zero
        : TimeSpan.FromSeconds(Math.Min(FirstLockout.TotalSeconds * Math.Pow(2, FailedAuthorizations - Threshold), LongestLockout.TotalSeconds));

    public DictionaryAttack Failed() => FailedAuthorizations == uint.MaxValue ? this : this with { FailedAuthorizations = FailedAuthorizations + 1 };
}
