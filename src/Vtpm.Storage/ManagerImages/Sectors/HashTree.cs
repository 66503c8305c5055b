using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>A sector and the hash that its parent keeps of it.</summary>
internal readonly record struct SectorReference(uint Location, byte[] Hash);

/// <summary>
/// The list of children of a root or group, as it is on the disk. Children fit their parent directly when there are no more than its width; otherwise
/// each of the parent's slots is a tree sector for 112^k of them, with the smallest k that fits. The same rule holds again inside each tree sector,
/// for the children that are left to it, so the last one may be shallower.
/// </summary>
/// <remarks>
/// Immutable: a save makes another one, which shares what has not changed, and forgets the old one only when the new one is durable.
/// </remarks>
internal sealed class HashTree
{
    public const int HashSize = SHA256.HashSizeInBytes;

    // The tree sectors in the slots; none when the children are there themselves.
    private readonly HashTree[] _below;

    private HashTree(int count, uint[] locations, byte[] hashes, HashTree[] below)
    {
        Count = count;
        Locations = locations;
        Hashes = hashes;
        _below = below;
    }

    /// <summary>The children, however deep.</summary>
    public int Count { get; }

    /// <summary>What the parent's slots hold; never changed.</summary>
    public uint[] Locations { get; }

    /// <summary>Belonging to <see cref="Locations"/>; never changed.</summary>
    public byte[] Hashes { get; }

    /// <summary>Every tree sector.</summary>
    public IEnumerable<uint> Sectors => _below.SelectMany((tree, slot) => tree.Sectors.Prepend(Locations[slot]));

    private int SlotSpan => (int)Span(Count, Locations.Length);

    public static HashTree Empty(int width) => new(0, new uint[width], new byte[width * HashSize], []);

    /// <summary>Children that one slot of a parent of <paramref name="width"/> slots covers.</summary>
    public static long Span(int count, int width)
    {
        long span = 1;
        while (count > span * width) span *= TreeSector.Width;
        return span;
    }

    /// <summary>Collects the references to <paramref name="count"/> children; false when a tree sector does not verify.</summary>
    public static bool TryRead(
        Func<uint, byte[]?> read, int count, uint[] locations, byte[] hashes, List<SectorReference> children, [NotNullWhen(true)] out HashTree? tree)
    {
        tree = null;
        int span = (int)Span(count, locations.Length);
        var below = span == 1 ? [] : new HashTree[Slots(count, span)];
        for (int i = 0; i < Slots(count, span); i++)
        {
            byte[] hash = hashes.AsSpan(i * HashSize, HashSize).ToArray();
            if (span == 1)
            {
                children.Add(new(locations[i], hash));
                continue;
            }

            if (read(locations[i]) is not { } plain) return false;
            TreeSector sector = SectorDisk.Parse<TreeSector>(plain);
            if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(sector.Hashes), hash)) return false;
            int size = Math.Min(span, count - (i * span));
            if (!TryRead(read, size, sector.Locations, sector.Hashes, children, out HashTree? found)) return false;
            below[i] = found;
        }

        tree = new HashTree(count, locations, hashes, below);
        return true;
    }

    /// <summary>Where the child of that number is.</summary>
    public uint LocationOf(int index)
    {
        int slot = index / SlotSpan;
        return _below.Length == 0 ? Locations[slot] : _below[slot].LocationOf(index % SlotSpan);
    }

    /// <summary>How many tree sectors an update will write.</summary>
    public int CountWrites(int count, ReadOnlySpan<int> changed) => CountWritesBelow(0, count, changed);

    /// <summary>
    /// The tree of <paramref name="count"/> children of which those in <paramref name="changed"/> (ascending) are elsewhere now; those beyond the
    /// present count need not be named. Writes the tree sectors above them, and nothing else.
    /// </summary>
    /// <param name="count">The children.</param>
    /// <param name="changed">Numbers of children, ascending.</param>
    /// <param name="child">Where a child is now.</param>
    /// <param name="write">Writes a tree sector and says where.</param>
    /// <param name="release">Told of each tree sector that the new tree does not use.</param>
    public HashTree Update(
        int count, ReadOnlySpan<int> changed, Func<int, SectorReference> child, Func<ReadOnlySpan<byte>, uint> write, Action<uint> release) =>
        UpdateBelow(new Visitor(child, write, release), 0, count, changed);

    private static int Slots(int count, int span) => (count + span - 1) / span;

    private static ReadOnlySpan<int> TakeBefore(ref ReadOnlySpan<int> changed, int end)
    {
        int length = 0;
        while (length < changed.Length && changed[length] < end) length++;
        ReadOnlySpan<int> taken = changed[..length];
        changed = changed[length..];
        return taken;
    }

    private int CountWritesBelow(int first, int count, ReadOnlySpan<int> changed)
    {
        int span = (int)Span(count, Locations.Length);
        if (span == 1) return 0;
        int writes = 0;
        for (int i = 0; i < Slots(count, span); i++)
        {
            (int start, int size) = (first + (i * span), Math.Min(span, count - (i * span)));
            ReadOnlySpan<int> here = TakeBefore(ref changed, start + size);
            if (!Keeps(i, span, size, here)) writes += 1 + TreeIn(i, span).CountWritesBelow(start, size, here);
        }

        return writes;
    }

    private HashTree UpdateBelow(in Visitor visitor, int first, int count, ReadOnlySpan<int> changed)
    {
        int span = (int)Span(count, Locations.Length);
        int slots = Slots(count, span);
        // What unused slots hold goes along: it is under the hash of the parent, which cannot be made anew where a group is closed.
        var tree = new HashTree(count, [.. Locations], [.. Hashes], span == 1 ? [] : new HashTree[slots]);
        for (int i = 0; i < slots; i++)
        {
            (int start, int size) = (first + (i * span), Math.Min(span, count - (i * span)));
            ReadOnlySpan<int> here = TakeBefore(ref changed, start + size);
            if (span > 1)
                tree._below[i] =
                    Keeps(i, span, size, here) ? _below[i] : tree.Put(i, visitor, TreeIn(i, span).UpdateBelow(visitor, start, size, here));
            else if (here.Length > 0 || span != SlotSpan || i >= Count)
                tree.Put(i, visitor.Child(start));
        }

        for (int i = slots; i < Slots(Count, SlotSpan); i++) tree.Put(i, new SectorReference(0, new byte[HashSize]));
        ReleaseReplaced(tree, visitor);
        return tree;
    }

    // Whether the tree sector in a slot stays where it is.
    private bool Keeps(int slot, int span, int size, ReadOnlySpan<int> changed) =>
        changed.IsEmpty && span == SlotSpan && slot < _below.Length && _below[slot].Count == size;

    // The tree to go on from in a slot.
    private HashTree TreeIn(int slot, int span) => span == SlotSpan && slot < _below.Length ? _below[slot] : Empty(TreeSector.Width);

    private HashTree Put(int slot, in Visitor visitor, HashTree below)
    {
        uint location = visitor.Write(WireFormat.ToBytes(new TreeSector { Locations = below.Locations, Hashes = below.Hashes }));
        Put(slot, new SectorReference(location, SHA256.HashData(below.Hashes)));
        return below;
    }

    private void Put(int slot, in SectorReference reference)
    {
        Locations[slot] = reference.Location;
        reference.Hash.CopyTo(Hashes, slot * HashSize);
    }

    // Below a sector that was gone on from, its own update has done this.
    private void ReleaseReplaced(HashTree replacement, in Visitor visitor)
    {
        bool sameSpan = SlotSpan == replacement.SlotSpan;
        for (int i = 0; i < _below.Length; i++)
        {
            if (sameSpan && i < replacement._below.Length && replacement._below[i] == _below[i]) continue;
            visitor.Release(Locations[i]);
            if (sameSpan && i < replacement._below.Length) continue;
            foreach (uint sector in _below[i].Sectors) visitor.Release(sector);
        }
    }

    private readonly record struct Visitor(Func<int, SectorReference> Child, Func<ReadOnlySpan<byte>, uint> Write, Action<uint> Release);
}
