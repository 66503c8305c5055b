namespace Vtpm.Boot;

/// <summary>The bytes of a guest's kernel and initrd: what they have, or what they may have.</summary>
public sealed record BootSize(long Kernel, long Initrd)
{
    /// <summary>Where the copies are in the guest's own memory, which is for the guest to fill.</summary>
    public static BootSize Longest { get; } = new(MeasuredCopy.Longest, MeasuredCopy.Longest);

    /// <summary>
    /// What is read of a disk, all in all, to find and to copy so much. A file system that was made to be searched for days ends here.
    /// </summary>
    public long MostRead => 4 * (Kernel + Initrd);
}
