namespace Vtpm.Storage;

/// <summary>What a finding means.</summary>
public enum ImageFindingKind
{
    /// <summary>How the image is.</summary>
    Note,

    /// <summary>Somebody should look after it; nothing is lost.</summary>
    Warning,

    /// <summary>Something is not as it was written.</summary>
    Damage,
}

/// <summary>One thing that a check of an image has found, and where.</summary>
/// <param name="Kind">What it means.</param>
/// <param name="Text">For people.</param>
public sealed record ImageFinding(ImageFindingKind Kind, string Text)
{
    /// <summary>The root or the slot, 0 or 1.</summary>
    public int? Root { get; init; }

    /// <summary>The number of the group in the manager's image.</summary>
    public int? Group { get; init; }

    /// <summary>The sector of 4096 bytes.</summary>
    public uint? Sector { get; init; }
}

/// <summary>What the image is of.</summary>
public enum CheckedImage
{
    /// <summary>Every byte is zero.</summary>
    Blank,
    Manager,
    Vtpm,
}

/// <summary>What a check has found.</summary>
/// <param name="Image">What the image is of.</param>
/// <param name="IsWhole">Whether everything could be verified: the keys were there.</param>
/// <param name="Findings">In the order of the image.</param>
public sealed record ImageReport(CheckedImage Image, bool IsWhole, IReadOnlyList<ImageFinding> Findings)
{
    public bool IsDamaged => Findings.Any(finding => finding.Kind == ImageFindingKind.Damage);
}
