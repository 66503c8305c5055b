using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Vtpm.Boot;

/// <summary>
/// A guest's ext2, ext3 or ext4 file system, read without the kernel's driver: a file system that was made to attack who mounts it meets memory-safe
/// code with bounds, and nothing of it is executed or written. The journal is not played back, as boot loaders do not.
/// </summary>
public sealed class ExtFileSystem
{
    private const int SuperBlockOffset = 1024;
    private const uint RootInode = 2;
    private const int MostLinks = 16;
    private const int LongestPath = 4096;
    private const long LongestFolder = 16 << 20;
    private const int MostNames = 4096;
    private const int ShortestEntry = 12;
    private const int Has64Bit = 0x80;

    /// <summary>Types in folders, a journal not played back, extents, 64 bits, MMP, flexible groups, seeds, large folders, attributes in inodes.</summary>
    private const uint KnownFeatures = 0x2 | 0x4 | 0x40 | Has64Bit | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000;

    private readonly IDisk _disk;
    private readonly uint _inodesPerGroup;
    private readonly uint _inodeCount;
    private readonly int _inodeSize;
    private readonly int _groupSize;
    private readonly long _groupTable;

    private ExtFileSystem(IDisk disk, ReadOnlySpan<byte> super)
    {
        _disk = disk;
        uint shift = BinaryPrimitives.ReadUInt32LittleEndian(super[24..]);
        if (shift > 6) throw new BootException("the guest's file system has blocks of more than 64 KiB");
        BlockSize = 1024 << (int)shift;
        _inodeCount = BinaryPrimitives.ReadUInt32LittleEndian(super);
        _inodesPerGroup = BinaryPrimitives.ReadUInt32LittleEndian(super[40..]);
        bool isFirst = BinaryPrimitives.ReadUInt32LittleEndian(super[76..]) == 0;
        uint features = isFirst ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(super[96..]);
        if ((features & ~KnownFeatures) is var unknown and not 0)
            throw new BootException(string.Create(CultureInfo.InvariantCulture, $"the guest's file system has features (0x{unknown:x}) that are not read here"));
        _inodeSize = isFirst ? 128 : BinaryPrimitives.ReadUInt16LittleEndian(super[88..]);
        _groupSize = (features & Has64Bit) != 0 ? BinaryPrimitives.ReadUInt16LittleEndian(super[254..]) : 32;
        if (_inodesPerGroup == 0 || _inodeSize < 128 || _inodeSize > BlockSize || _groupSize < 32 || _groupSize > BlockSize)
            throw new BootException("the guest's file system describes itself in a way that cannot be");
        _groupTable = (BinaryPrimitives.ReadUInt32LittleEndian(super[20..]) + 1L) * BlockSize;
    }

    internal int BlockSize { get; }

    /// <summary>Null where there is no such file system.</summary>
    /// <exception cref="BootException">There is one that is damaged, or of a newer kind.</exception>
    internal static ExtFileSystem? TryOpen(IDisk disk)
    {
        Span<byte> super = stackalloc byte[1024];
        try
        {
            disk.Read(SuperBlockOffset, super);
        }
        catch (BootException)
        {
            // Too small a partition for one.
            return null;
        }

        return BinaryPrimitives.ReadUInt16LittleEndian(super[56..]) == 0xEF53 ? new ExtFileSystem(disk, super) : null;
    }

    /// <summary>A file's content; null where there is no such file. Links are followed.</summary>
    public Stream? OpenFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Find(path) is { IsFile: true } inode ? new ExtFileStream(this, inode) : null;
    }

    /// <summary>A small file's content; null where there is none.</summary>
    /// <exception cref="BootException">It is longer than <paramref name="longest"/>.</exception>
    public byte[]? ReadFile(string path, int longest)
    {
        using Stream? file = OpenFile(path);
        if (file is null) return null;
        if (file.Length > longest) throw new BootException($"the guest's {path} is longer than {longest} bytes");
        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    /// <summary>The names in a folder, the first of very many; none where there is no such folder.</summary>
    public IReadOnlyList<string> List(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Find(path) is { IsFolder: true } folder ? [.. Entries(folder).Select(entry => entry.Name).Take(MostNames)] : [];
    }

    internal void ReadBlock(long block, Span<byte> buffer, int offset = 0) => _disk.Read(block * BlockSize + offset, buffer);

    internal void ReadHole(Span<byte> buffer) => _disk.ReadHole(buffer);

    private ExtInode? Find(string path)
    {
        // What is still to be walked; links put their targets in front.
        var names = new Stack<string>();
        Push(names, path);
        var trail = new Stack<ExtInode>([Inode(RootInode)]);
        for (int links = 0; names.TryPop(out string? name);)
        {
            if (name == "..")
            {
                if (trail.Count > 1) trail.Pop();
                continue;
            }

            ExtInode folder = trail.Peek();
            if (!folder.IsFolder) return null;
            uint number = Entries(folder).FirstOrDefault(entry => entry.Name == name).Inode;
            if (number == 0) return null;
            ExtInode found = Inode(number);
            if (!found.IsLink)
            {
                trail.Push(found);
                continue;
            }

            if (++links > MostLinks) throw new BootException($"the guest's {path} leads through more than {MostLinks} links");
            string target = Target(found);
            if (target.StartsWith('/'))
                while (trail.Count > 1) trail.Pop();
            Push(names, target);
        }

        return trail.Peek();
    }

    private static void Push(Stack<string> names, string path)
    {
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
            if (name != ".") names.Push(name);
        if (names.Count > LongestPath) throw new BootException("a path of the guest's is too long");
    }

    private string Target(ExtInode link)
    {
        if (link.Size is <= 0 or > LongestPath) throw new BootException("a link in the guest's file system has no sensible length");
        if (link.InlineTarget is { } target) return Encoding.Latin1.GetString(target);
        byte[] bytes = new byte[link.Size];
        using var content = new ExtFileStream(this, link);
        content.ReadExactly(bytes);
        return Encoding.Latin1.GetString(bytes);
    }

    private ExtInode Inode(uint number)
    {
        if (number == 0 || number > _inodeCount) throw new BootException("the guest's file system names an inode that it has not");
        (uint group, uint index) = ((number - 1) / _inodesPerGroup, (number - 1) % _inodesPerGroup);
        Span<byte> descriptor = stackalloc byte[64];
        descriptor.Clear();
        _disk.Read(_groupTable + (long)group * _groupSize, descriptor[..Math.Min(_groupSize, descriptor.Length)]);
        long table = BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]) | (long)BinaryPrimitives.ReadUInt32LittleEndian(descriptor[40..]) << 32;
        if (_groupSize < descriptor.Length) table &= uint.MaxValue;
        byte[] inode = new byte[128];
        if (table < 0 || table > long.MaxValue / BlockSize - _inodeCount) throw new BootException("the guest's file system points outside of itself");
        _disk.Read(table * BlockSize + (long)index * _inodeSize, inode);
        return new ExtInode(inode);
    }

    /// <summary>A folder's entries, one block after the other; an index among them looks like entries without an inode.</summary>
    private IEnumerable<(uint Inode, string Name)> Entries(ExtInode folder)
    {
        if (folder.Size > LongestFolder) throw new BootException("a folder of the guest's is too long");
        using var content = new ExtFileStream(this, folder);
        byte[] block = new byte[BlockSize];
        for (long left = folder.Size; left >= BlockSize; left -= BlockSize)
        {
            content.ReadExactly(block);
            for (int at = 0; at <= BlockSize - ShortestEntry;)
            {
                uint inode = BinaryPrimitives.ReadUInt32LittleEndian(block.AsSpan(at));
                int length = BinaryPrimitives.ReadUInt16LittleEndian(block.AsSpan(at + 4)), nameLength = block[at + 6];
                // Blocks of 64 KiB write their length so.
                if (length is 0 or ushort.MaxValue && BlockSize > ushort.MaxValue) length = BlockSize - at;
                if (length < ShortestEntry || length % 4 != 0 || at + length > BlockSize || 8 + nameLength > length)
                    throw new BootException("a folder of the guest's file system is damaged");
                if (inode != 0) yield return (inode, Encoding.Latin1.GetString(block, at + 8, nameLength));
                at += length;
            }
        }
    }
}
