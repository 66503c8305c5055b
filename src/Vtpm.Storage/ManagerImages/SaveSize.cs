namespace Vtpm.Storage;

/// <summary>How many sectors a save takes, to be known before the first of them is written over something.</summary>
internal static class SaveSize
{
    /// <summary>Sectors that the changes of <paramref name="image"/> take, without the root, which has a place of its own.</summary>
    public static int Of(ManagerImage image) =>
        RollbackMacSectors(GroupsWithMac(image).Count())
        + (image.RootSeals is null ? SealListSectors(image.Groups[0].Platforms.Count) : 0)
        + image.Tree.CountWrites(image.Groups.Count, ChangedGroups(image))
        + image.Groups.Where(group => group.NeedsWrite).Sum(Of);

    /// <summary>The places in the list of groups that the next root refers to another sector at.</summary>
    public static int[] ChangedGroups(ManagerImage image) =>
        [.. Enumerable.Range(0, image.Groups.Count).Where(index => image.Groups[index] is { } group
            && (group.NeedsWrite || index >= image.Tree.Count || image.Tree.LocationOf(index) != group.Disk!.Value.Location))];

    /// <summary>A group whose rollback was detected gets no MAC, so that it stays detected; a closed one cannot get one.</summary>
    public static IEnumerable<int> GroupsWithMac(ManagerImage image) =>
        Enumerable.Range(0, image.Groups.Count).Where(index => image.Groups[index] is { IsOpen: true, RollbackDetected: false });

    private static int Of(ManagerGroup group)
    {
        int[] changed = group.ChangedPages();
        return 1 + (group.NeedsChainWrite ? ConfigurationChain.Count(group.Content) : 0) + changed.Length + group.Tree.CountWrites(group.Pages.Count, changed);
    }

    // Beside sector 0 or 1.
    private static int SealListSectors(int platforms) => Math.Max(0, (platforms - 1) / SealListSector.EntryCount);

    private static int RollbackMacSectors(int macs) =>
        (Math.Max(0, macs - RootSector.RollbackMacCount) + RollbackMacSector.MacCount - 1) / RollbackMacSector.MacCount;
}
