using System.Buffers.Binary;

namespace Vtpm.Boot;

/// <summary>Where the blocks of a file are, by a tree of extents (ext4) or by lists of places (ext2, ext3).</summary>
internal sealed class ExtBlockMap(ExtFileSystem fileSystem, ExtInode inode)
{
    private const int DirectBlocks = 12;
    private const int DeepestTree = 5;
    private const int MostExtents = 1 << 17;
    private const int MostNodes = 1 << 16;
    private const uint LongestWritten = 0x8000;

    /// <summary>The last list that was read at each depth: a file is read from its beginning to its end.</summary>
    private readonly (long Block, byte[] List)[] _lists = new (long, byte[])[3];
    private readonly List<Extent> _extents = [];
    private bool _areRead;
    private int _nodes;
    private int _last;

    /// <summary>The place of a file's block; 0 where it has none and reads as zeroes.</summary>
    /// <param name="block">Its number in the file.</param>
    public long Find(long block) => inode.HasExtents ? FindExtent(block) : FindListed(block);

    private long FindExtent(long block)
    {
        if (!_areRead)
        {
            ReadNode(inode.Map, DeepestTree);
            _areRead = true;
        }

        if (_last < _extents.Count && _extents[_last].Start > block) _last = 0;
        while (_last < _extents.Count && _extents[_last].End <= block) _last++;
        if (_last == _extents.Count || _extents[_last].Start > block) return 0;
        Extent extent = _extents[_last];
        return extent.Place == 0 ? 0 : extent.Place + (block - extent.Start);
    }

    private void ReadNode(ReadOnlySpan<byte> node, int deepest)
    {
        int count = BinaryPrimitives.ReadUInt16LittleEndian(node[2..]), depth = BinaryPrimitives.ReadUInt16LittleEndian(node[6..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(node) != 0xF30A || 12 + 12 * count > node.Length || depth > deepest || ++_nodes > MostNodes) throw Damaged();
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = node.Slice(12 + 12 * i, 12);
            if (depth == 0) Add(entry);
            else
            {
                byte[] child = new byte[fileSystem.BlockSize];
                fileSystem.ReadBlock(BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]) | (long)BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]) << 32, child);
                // Each level is lower than the one above: a tree that leads back to itself ends.
                ReadNode(child, depth - 1);
            }
        }
    }

    private void Add(ReadOnlySpan<byte> entry)
    {
        uint start = BinaryPrimitives.ReadUInt32LittleEndian(entry), count = BinaryPrimitives.ReadUInt16LittleEndian(entry[4..]);
        long place = BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) | (long)BinaryPrimitives.ReadUInt16LittleEndian(entry[6..]) << 32;
        // One that is longer is reserved for the file and not written: it reads as zeroes.
        if (count > LongestWritten) (count, place) = (count - LongestWritten, 0);
        if (count == 0 || _extents.Count == MostExtents || _extents.Count > 0 && start < _extents[^1].End) throw Damaged();
        _extents.Add(new Extent(start, start + (long)count, place));
    }

    private long FindListed(long block)
    {
        if (block < DirectBlocks) return BinaryPrimitives.ReadUInt32LittleEndian(inode.Map[(int)(4 * block)..]);
        block -= DirectBlocks;
        long perList = fileSystem.BlockSize / 4, covered = perList;
        for (int depth = 0; depth < _lists.Length; depth++, covered *= perList)
        {
            if (block < covered) return FindListed(BinaryPrimitives.ReadUInt32LittleEndian(inode.Map[(4 * (DirectBlocks + depth))..]), block, depth, covered / perList);
            block -= covered;
        }

        throw Damaged();
    }

    private long FindListed(long list, long block, int depth, long perEntry)
    {
        for (; list != 0; depth--, perEntry /= fileSystem.BlockSize / 4)
        {
            if (_lists[depth].List is null || _lists[depth].Block != list)
            {
                byte[] bytes = _lists[depth].List ?? new byte[fileSystem.BlockSize];
                fileSystem.ReadBlock(list, bytes);
                _lists[depth] = (list, bytes);
            }

            list = BinaryPrimitives.ReadUInt32LittleEndian(_lists[depth].List.AsSpan((int)(4 * (block / perEntry))));
            block %= perEntry;
            if (depth == 0) break;
        }

        return list;
    }

    private static BootException Damaged() => new("a file of the guest's file system is damaged");

    private readonly record struct Extent(long Start, long End, long Place);
}
