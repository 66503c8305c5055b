namespace Vtpm.Storage;

/// <summary>What was found on the manager's image.</summary>
public enum ManagerImageContent
{
    Opened,

    /// <summary>Nothing was ever stored: every byte is zero.</summary>
    Blank,

    /// <summary>The first save of this image was interrupted: there is no root yet, so nothing was ever acknowledged.</summary>
    NeverSaved,

    /// <summary>There is something else on it.</summary>
    NotAnImage,

    /// <summary>A newer format.</summary>
    NewerVersion,

    /// <summary>No seal entry opens: another platform configuration, another hardware TPM, or a damaged seal list.</summary>
    CannotUnseal,

    /// <summary>
    /// The image's key is sealed under a mask that is not where it should be, or was replaced since: an older image, or one of another hardware TPM.
    /// </summary>
    KeyMaskGone,

    /// <summary>The key is there, but no root verifies with all that it refers to.</summary>
    Damaged,

    /// <summary>The image opens, but group 0 does not.</summary>
    GroupZeroClosed,

    /// <summary>A recovery key was given that does not open it: another image's, or one from before its key or group 0's was changed.</summary>
    WrongRecoveryKey,

    TooSmall,

    /// <summary>The medium failed; trying again may help.</summary>
    Unreadable,
}

/// <summary>The outcome of <see cref="ManagerImage.Open"/>.</summary>
/// <param name="Content">What was found.</param>
/// <param name="Image">The image, for the caller to dispose of; null unless opened.</param>
/// <param name="Reason">
/// For people: what is wrong and what to do. When opened, empty, or a warning: the newer root was damaged and the older one was taken.
/// </param>
public sealed record ManagerOpen(ManagerImageContent Content, ManagerImage? Image, string Reason);

/// <summary>How a save ended.</summary>
public enum ManagerWrite
{
    /// <summary>Durable.</summary>
    Saved,

    /// <summary>
    /// Kept in memory only, since group 0 has no boot configuration yet and nobody could ever open what was written. To be said on every save.
    /// </summary>
    NotSealed,

    /// <summary>The image has not enough free sectors. The changes since the last save are taken back.</summary>
    Full,

    /// <summary>The hardware TPM did not seal. The changes since the last save are taken back.</summary>
    SealRefused,

    /// <summary>The medium failed. The changes since the last save are taken back.</summary>
    Failed,
}

/// <summary>The outcome of <see cref="ManagerImage.Save"/>.</summary>
/// <param name="Write">How it ended.</param>
/// <param name="Reason">For people; empty when saved.</param>
/// <param name="InDoubt">
/// The medium failed so late that the new state may be found after a restart, though memory has the old one: <see cref="ManagerImage.IsInDoubt"/>.
/// </param>
public readonly record struct ManagerSave(ManagerWrite Write, string Reason, bool InDoubt = false);
