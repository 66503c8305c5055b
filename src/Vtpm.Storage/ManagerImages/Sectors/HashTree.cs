using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>A sector and the hash that its parent keeps of it.</summary>
internal readonly record struct SectorReference(uint Location, byte[] Hash);

/// <summary>
/// The list of children of a root or group. Children fit their parent directly when there are no more than its width; otherwise each of the
/// parent's slots is a tree sector for 112^k of them, with the smallest k that fits. The same rule holds again inside each tree sector, for the
/// children that are left to it, so the last one may be shallower.
/// </summary>
internal static class HashTree
{
    public const int HashSize = SHA256.HashSizeInBytes;

    /// <summary>Children that one slot of a parent of <paramref name="width"/> slots covers.</summary>
    public static long Span(int count, int width)
    {
        long span = 1;
        while (count > span * width) span *= TreeSector.Width;
        return span;
    }

    /// <summary>Collects the references to <paramref name="count"/> children; false when a tree sector does not verify.</summary>
    public static bool TryRead(
        Func<uint, byte[]?> read, int count, uint[] locations, ReadOnlySpan<byte> hashes, List<SectorReference> children, List<uint> treeSectors)
    {
        long span = Span(count, locations.Length);
        for (int i = 0; i * span < count; i++)
        {
            byte[] hash = hashes.Slice(i * HashSize, HashSize).ToArray();
            if (span == 1)
            {
                children.Add(new(locations[i], hash));
                continue;
            }

            if (read(locations[i]) is not { } plain) return false;
            TreeSector tree = SectorDisk.Parse<TreeSector>(plain);
            if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(tree.Hashes), hash)) return false;
            treeSectors.Add(locations[i]);
            int below = (int)Math.Min(span, count - (i * span));
            if (!TryRead(read, below, tree.Locations, tree.Hashes, children, treeSectors)) return false;
        }

        return true;
    }

    /// <summary>Fills a parent's locations and hashes, writing tree sectors where it takes them.</summary>
    public static void Write(
        Func<ReadOnlySpan<byte>, uint> write, ReadOnlySpan<SectorReference> children, Span<uint> locations, Span<byte> hashes, List<uint> treeSectors)
    {
        int span = (int)Span(children.Length, locations.Length);
        for (int i = 0; i * span < children.Length; i++)
        {
            if (span == 1)
            {
                locations[i] = children[i].Location;
                children[i].Hash.CopyTo(hashes[(i * HashSize)..]);
                continue;
            }

            var tree = new TreeSector { Locations = new uint[TreeSector.Width], Hashes = new byte[TreeSector.Width * HashSize] };
            Write(write, children.Slice(i * span, Math.Min(span, children.Length - (i * span))), tree.Locations, tree.Hashes, treeSectors);
            SHA256.HashData(tree.Hashes, hashes[(i * HashSize)..]);
            locations[i] = write(WireFormat.ToBytes(tree));
            treeSectors.Add(locations[i]);
        }
    }
}
