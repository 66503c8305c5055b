using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// Makes the MACs and hashes of a manager's image right again, from the leaves to the root, whatever its sectors say: so a mutation gets behind them.
/// </summary>
internal sealed class ImageRepair(SectorDisk disk, Aes imageKey, Aes groupKey)
{
    private const int MostSectors = 400;

    private readonly Dictionary<uint, byte[]> _plain = [];

    /// <summary>The plaintext of a sector, to be changed; what it says is written by <see cref="Write"/>.</summary>
    public byte[] this[uint sector]
    {
        get
        {
            if (_plain.TryGetValue(sector, out byte[]? plain)) return plain;
            byte[] bytes = new byte[SectorDisk.SectorSize];
            if (sector < disk.Count && _plain.Count < MostSectors) disk.ReadClear(sector, bytes);
            plain = bytes[(SectorDisk.SectorSize - SectorDisk.PlainSize)..];
            HostOrderCtr.Transform(imageKey, bytes.AsSpan(AesCmac.Size, HostOrderCtr.CounterSize), plain);
            return _plain[sector] = plain;
        }
    }

    public void Repair(uint rootSector)
    {
        byte[] root = this[rootSector];
        uint count = BinaryPrimitives.ReadUInt32BigEndian(root.AsSpan(12));
        Children(root, 528, 16, (int)Math.Min(count, 300), 16, RepairGroup);
        _plain[rootSector] = root;
    }

    public void Write()
    {
        foreach ((uint sector, byte[] plain) in _plain)
            if (sector >= 2 && sector < disk.Count) disk.Write(imageKey, sector, plain);
    }

    private byte[] RepairGroup(uint sector)
    {
        byte[] group = this[sector];
        uint vtpms = BinaryPrimitives.ReadUInt32BigEndian(group.AsSpan(2956));
        Children(group, 3488, 2960, (int)Math.Min((vtpms + 47L) / 48, 300), 16, page => SHA256.HashData(this[page].AsSpan(0, VtpmSector.Size)));
        if (BinaryPrimitives.ReadUInt32BigEndian(group.AsSpan(1096)) > 5 || BinaryPrimitives.ReadUInt32BigEndian(group.AsSpan(2600)) > 16)
            RepairChain(BinaryPrimitives.ReadUInt32BigEndian(group.AsSpan(3552)), depth: 0).CopyTo(group, 2924);
        AesCmac.Compute(groupKey, group.AsSpan(0, GroupSector.MacArea), group.AsSpan(GroupSector.MacArea, AesCmac.Size));
        return SHA256.HashData(group.AsSpan(0, GroupSector.HashArea));
    }

    private byte[] RepairChain(uint sector, int depth)
    {
        if (sector == 0 || depth == 60) return new byte[HashTree.HashSize];
        byte[] plain = this[sector];
        RepairChain(BinaryPrimitives.ReadUInt32BigEndian(plain), depth + 1).CopyTo(plain, sizeof(uint));
        return SHA256.HashData(plain.AsSpan(sizeof(uint)));
    }

    private void Children(byte[] parent, int locations, int hashes, int count, int width, Func<uint, byte[]> hashOf)
    {
        int span = (int)HashTree.Span(count, width);
        for (int i = 0; i * span < count; i++)
        {
            uint location = BinaryPrimitives.ReadUInt32BigEndian(parent.AsSpan(locations + (sizeof(uint) * i)));
            byte[] hash;
            if (span == 1)
            {
                hash = hashOf(location);
            }
            else
            {
                byte[] tree = this[location];
                Children(tree, 0, TreeSector.Width * sizeof(uint), Math.Min(span, count - (i * span)), TreeSector.Width, hashOf);
                hash = SHA256.HashData(tree.AsSpan(TreeSector.Width * sizeof(uint), TreeSector.Width * HashTree.HashSize));
            }

            hash.CopyTo(parent, hashes + (HashTree.HashSize * i));
        }
    }
}
