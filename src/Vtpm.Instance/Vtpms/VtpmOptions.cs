using Microsoft.Win32.SafeHandles;

namespace Vtpm.Instance;

/// <summary>Whether a vTPM may make a new TPM where it finds none.</summary>
public enum ManufacturePolicy
{
    /// <summary>Only where there plainly is none: a blank image, or a vTPM that the manager does not know (the original's two ways to clear a vTPM).</summary>
    WhenBlank,

    /// <summary>Always: what was there is given up.</summary>
    Always,
}

/// <summary>What a vTPM is started with, besides Xen's arguments.</summary>
/// <param name="ImagePath">Its disk image: a file or a block device.</param>
/// <param name="Manufacture">Whether it may make a new TPM.</param>
/// <param name="WithEndorsementKey">Whether a new TPM gets an endorsement key at once, as the original's does.</param>
public sealed record VtpmOptions(string ImagePath, ManufacturePolicy Manufacture, bool WithEndorsementKey)
{
    /// <summary>The image as whoever started the process has opened it; then <see cref="ImagePath"/> is a name for people.</summary>
    public SafeFileHandle? Image { get; init; }

    /// <summary>
    /// <see cref="Image"/> was made for this start. While it is blank the vTPM counts as one without an image, whose state is not given up when the
    /// manager knows of one.
    /// </summary>
    public bool IsImageNew { get; init; }

    /// <summary>The record of the guest's boot, opened likewise, by which a vTPM goes on where the process before it has died.</summary>
    public SafeFileHandle? BootRecord { get; init; }
}

/// <summary>A vTPM does not start; the message says what happened and what the choices are.</summary>
public sealed class VtpmStartException(string message, Exception? inner = null) : Exception(message, inner);
