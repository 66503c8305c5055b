using System.Globalization;

namespace Vtpm.Storage.Tests;

/// <summary>An operation on one of several disks.</summary>
internal readonly record struct DiskOperation(int Disk, StoreOperation Operation);

/// <summary>What a power cut has left.</summary>
/// <param name="Disks">The contents, one for each disk.</param>
/// <param name="Done">How many operations had returned.</param>
/// <param name="Name">How it came about.</param>
internal sealed record PowerCut(byte[][] Disks, int Done, string Name);

/// <summary>
/// Power cuts at every write and every barrier of a history on one disk or several. What a disk's last barrier came after is there. Of its later
/// writes each may have reached it, whole or in any of its 512-byte blocks, in any order, or not at all.
/// </summary>
internal static class PowerCuts
{
    private const int Block = RecordingStore.Sector;

    /// <summary>How many cuts are tried at each place, besides none and all of the writes: <c>VTPM_CUTS</c>.</summary>
    public static int Each { get; } = Setting("VTPM_CUTS", 3);

    /// <summary>Chooses among them: <c>VTPM_SEED</c>.</summary>
    public static int Seed { get; } = Setting("VTPM_SEED", 20261126);

    /// <summary>Whether this is the long form.</summary>
    public static bool IsLong => Each > 3;

    public static IEnumerable<PowerCut> Of(byte[] before, IReadOnlyList<StoreOperation> operations, Random random, int each) =>
        Of([before], [.. operations.Select(operation => new DiskOperation(0, operation))], random, each);

    public static IEnumerable<PowerCut> Of(byte[][] before, IReadOnlyList<DiskOperation> operations, Random random, int each)
    {
        byte[][] durable = [.. before.Select(disk => (byte[])disk.Clone())];
        var pending = new List<DiskOperation>();
        for (int done = 0; done <= operations.Count; done++)
        {
            // A write that was begun counts among those that may be there.
            bool isWrite = done < operations.Count && !operations[done].Operation.IsFlush;
            if (isWrite) pending.Add(operations[done]);
            yield return new PowerCut(Copy(durable), done, $"after {done}: nothing since the barrier");
            if (pending.Count > 0)
            {
                yield return new PowerCut(Apply(durable, pending, [.. pending.Select(_ => Fate.Whole)], random), done, $"after {done}: everything");
                for (int i = 0; i < each; i++) yield return Sample(durable, pending, done, random);
            }

            if (done < operations.Count && !isWrite) Settle(durable, pending, operations[done].Disk);
        }
    }

    private static PowerCut Sample(byte[][] durable, List<DiskOperation> pending, int done, Random random)
    {
        Fate[] fates = [.. pending.Select(_ => (Fate)random.Next(3))];
        return new PowerCut(Apply(durable, pending, fates, random), done, $"after {done}: {string.Join(' ', fates)}");
    }

    private static void Settle(byte[][] durable, List<DiskOperation> pending, int disk)
    {
        foreach (DiskOperation write in pending.Where(write => write.Disk == disk)) Write(durable, write, _ => true);
        pending.RemoveAll(write => write.Disk == disk);
    }

    private static byte[][] Apply(byte[][] durable, List<DiskOperation> pending, Fate[] fates, Random random)
    {
        byte[][] disks = Copy(durable);
        int[] order = [.. Enumerable.Range(0, pending.Count)];
        if (fates.Any(fate => fate != Fate.Whole)) random.Shuffle(order);
        foreach (int i in order)
        {
            if (fates[i] == Fate.Whole) Write(disks, pending[i], _ => true);
            else if (fates[i] == Fate.Torn) Write(disks, pending[i], _ => random.Next(2) == 0);
        }

        return disks;
    }

    private static void Write(byte[][] disks, DiskOperation write, Func<int, bool> reaches)
    {
        (long offset, byte[]? bytes) = write.Operation;
        for (int at = 0; at < bytes!.Length; at += Block)
            if (reaches(at / Block)) bytes.AsSpan(at, Math.Min(Block, bytes.Length - at)).CopyTo(disks[write.Disk].AsSpan((int)offset + at));
    }

    private static byte[][] Copy(byte[][] disks) => [.. disks.Select(disk => (byte[])disk.Clone())];

    private static int Setting(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : usual;

    private enum Fate
    {
        Lost,
        Torn,
        Whole,
    }
}
