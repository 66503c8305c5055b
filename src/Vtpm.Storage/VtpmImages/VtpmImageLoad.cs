namespace Vtpm.Storage;

/// <summary>What was found on a vTPM's image.</summary>
public enum VtpmImageContent
{
    /// <summary>One slot has the manager's hash and gave its state.</summary>
    Loaded,

    /// <summary>Nothing was ever stored: every byte is zero.</summary>
    Blank,

    /// <summary>There is something, but neither slot has the manager's hash.</summary>
    NoMatch,

    /// <summary>A slot has the manager's hash, but what it holds has no valid form: whoever saved it was at fault, not the disk.</summary>
    Malformed,

    /// <summary>The manager's hash and key are not 52 bytes.</summary>
    BadHashKey,

    /// <summary>The image is too small to hold two slots.</summary>
    TooSmall,

    /// <summary>The medium failed; trying again may help.</summary>
    Unreadable,
}

/// <summary>The outcome of <see cref="VtpmImage.Load"/>.</summary>
/// <param name="Content">What was found.</param>
/// <param name="State">The state in clear, for the caller to zero; empty unless loaded.</param>
/// <param name="Reason">For people: what is wrong and what to do; empty when loaded.</param>
public sealed record VtpmImageLoad(VtpmImageContent Content, byte[] State, string Reason)
{
    /// <summary>A record prints its members; the state is secret.</summary>
    public override string ToString() => Content == VtpmImageContent.Loaded ? $"Loaded ({State.Length} bytes)" : $"{Content}: {Reason}";
}

/// <summary>How a save ended.</summary>
public enum VtpmImageWrite
{
    /// <summary>The new state is durable in the slot that was not live, and waits for the manager to take its hash and key.</summary>
    Written,

    /// <summary>The state does not fit a slot. Nothing was written.</summary>
    TooLarge,

    /// <summary>
    /// It is not known which slot the manager points at: nothing was loaded yet, or an earlier save was neither accepted nor rejected.
    /// Nothing was written, since it might have gone over the live state.
    /// </summary>
    Undecided,

    /// <summary>The medium failed. The live slot is as it was.</summary>
    Failed,
}

/// <summary>The outcome of <see cref="VtpmImage.Save"/>.</summary>
/// <param name="Write">How it ended.</param>
/// <param name="Reason">For people; empty when written.</param>
public readonly record struct VtpmImageSave(VtpmImageWrite Write, string Reason);
