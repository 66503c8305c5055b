namespace Vtpm.Storage.Tests;

/// <summary>
/// Every disk that a power cut may leave. Writes before the last flush are there; of those after it any may be missing, and one may be torn at any
/// sector, from either end.
/// </summary>
internal static class CrashMatrix
{
    /// <param name="before">The disk before the first operation.</param>
    /// <param name="operations">What was done to it.</param>
    /// <returns>Disks, and whether all operations had finished, so that the result was acknowledged.</returns>
    public static IEnumerable<(byte[] Disk, bool Acknowledged, string Name)> Disks(byte[] before, IReadOnlyList<StoreOperation> operations)
    {
        var durable = (byte[])before.Clone();
        var pending = new List<StoreOperation>();
        for (int i = 0; i <= operations.Count; i++)
        {
            bool acknowledged = i == operations.Count;
            foreach ((byte[] disk, string name) in Subsets(durable, pending)) yield return (disk, acknowledged, $"after operation {i}, {name}");
            if (acknowledged) yield break;
            if (operations[i].IsFlush)
            {
                pending.ForEach(write => Apply(durable, write, 0, write.Bytes!.Length));
                pending.Clear();
            }
            else
            {
                pending.Add(operations[i]);
            }
        }
    }

    private static IEnumerable<(byte[] Disk, string Name)> Subsets(byte[] durable, List<StoreOperation> pending)
    {
        yield return (Build(durable, pending, _ => false), "none of the cache written");
        if (pending.Count == 0) yield break;
        yield return (Build(durable, pending, _ => true), "all of the cache written");
        for (int i = 0; i < pending.Count; i++)
        {
            int one = i;
            yield return (Build(durable, pending, index => index == one), $"only write {i}");
            yield return (Build(durable, pending, index => index != one), $"all but write {i}");
            for (int cut = RecordingStore.Sector; cut < pending[i].Bytes!.Length; cut += RecordingStore.Sector)
            {
                byte[] head = Build(durable, pending, index => index != one);
                Apply(head, pending[i], 0, cut);
                yield return (head, $"write {i} torn, its first {cut} bytes there");
                byte[] tail = Build(durable, pending, index => index != one);
                Apply(tail, pending[i], cut, pending[i].Bytes!.Length);
                yield return (tail, $"write {i} torn, its first {cut} bytes missing");
            }
        }
    }

    private static byte[] Build(byte[] durable, List<StoreOperation> pending, Func<int, bool> reaches)
    {
        var disk = (byte[])durable.Clone();
        for (int i = 0; i < pending.Count; i++)
            if (reaches(i)) Apply(disk, pending[i], 0, pending[i].Bytes!.Length);
        return disk;
    }

    private static void Apply(byte[] disk, StoreOperation write, int from, int to) =>
        write.Bytes.AsSpan(from, to - from).CopyTo(disk.AsSpan((int)write.Offset + from));
}
