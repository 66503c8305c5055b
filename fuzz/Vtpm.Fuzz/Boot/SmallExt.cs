using System.Buffers.Binary;
using System.Text;

namespace Vtpm.Fuzz;

/// <summary>
/// An ext2 or ext4 file system of a few kilobytes, which mke2fs would not make so small: a block for each file and folder. Enough for a reader, and little
/// for a fuzzer.
/// </summary>
internal sealed class SmallExt
{
    private const int BlockSize = 1024;
    private const int InodeSize = 128;
    private const int InodeTable = 3;
    private const int Inodes = 16;
    private const int RootInode = 2;
    private const int FirstBlock = InodeTable + Inodes * InodeSize / BlockSize;
    private const int Link = 0xA000, File = 0x8000, Folder = 0x4000;

    private readonly bool _hasExtents;
    private readonly byte[] _disk;
    private readonly Dictionary<string, (int Inode, int Block, int End)> _folders = [];
    private int _inode = RootInode;
    private int _block = FirstBlock;

    private SmallExt(int blocks, bool hasExtents)
    {
        _hasExtents = hasExtents;
        _disk = new byte[(FirstBlock + blocks) * BlockSize];
        Span<byte> super = _disk.AsSpan(BlockSize);
        Write32(super, 0, Inodes);
        Write32(super, 20, 1);
        Write32(super, 40, Inodes);
        Write32(super, 56, 0xEF53);
        Write32(super, 76, 1);
        Write32(super, 88, InodeSize);
        Write32(super, 96, hasExtents ? 0x42u : 0x2u);
        Write32(_disk.AsSpan(2 * BlockSize), 8, InodeTable);
        AddFolder("", RootInode);
    }

    /// <param name="hasExtents">As in ext4, or lists of blocks.</param>
    /// <param name="files">Paths and contents of a block at most; what begins with <c>-&gt; </c> is a link.</param>
    public static byte[] With(bool hasExtents, params (string Path, string Content)[] files)
    {
        int folders = files.SelectMany(file => Folders(file.Path)).Distinct().Count();
        var made = new SmallExt(folders + files.Length, hasExtents);
        foreach ((string path, string content) in files) made.Add(path, content);
        return made._disk;
    }

    private static IEnumerable<string> Folders(string path)
    {
        for (int end = 0; end >= 0; end = path.IndexOf('/', end + 1)) yield return path[..end];
    }

    private void Add(string path, string content)
    {
        foreach (string folder in Folders(path))
        {
            if (_folders.ContainsKey(folder)) continue;
            int number = ++_inode;
            Name(folder, number);
            AddFolder(folder, number);
        }

        int inode = ++_inode;
        Name(path, inode);
        const string arrow = "-> ";
        bool isLink = content.StartsWith(arrow, StringComparison.Ordinal);
        byte[] bytes = Encoding.Latin1.GetBytes(isLink ? content[arrow.Length..] : content);
        int block = _block++;
        bytes.CopyTo(_disk, block * BlockSize);
        WriteInode(inode, isLink ? Link : File, bytes.Length, block);
        // A short target stands where others have their places.
        if (isLink) bytes.CopyTo(InodeOf(inode)[40..]);
    }

    private void AddFolder(string path, int inode)
    {
        WriteInode(inode, Folder, BlockSize, _block);
        _folders[path] = (inode, _block, _block * BlockSize);
        _block++;
        // It ends with its block.
        Write16(_disk.AsSpan(_folders[path].End), 4, BlockSize);
    }

    /// <summary>Gives something its name in its folder: what was the last entry, to the block's end, is cut to its own length.</summary>
    private void Name(string path, int inode)
    {
        int slash = path.LastIndexOf('/');
        (int folder, int block, int end) = _folders[path[..slash]];
        byte[] name = Encoding.Latin1.GetBytes(path[(slash + 1)..]);
        int length = 8 + (name.Length + 3) / 4 * 4, next = end + length, blockEnd = (block + 1) * BlockSize;
        Span<byte> entry = _disk.AsSpan(end);
        Write32(entry, 0, (uint)inode);
        Write16(entry, 4, length);
        entry[6] = (byte)name.Length;
        name.CopyTo(entry[8..]);
        Write16(_disk.AsSpan(next), 4, blockEnd - next);
        _folders[path[..slash]] = (folder, block, next);
    }

    private void WriteInode(int number, int type, int size, int block)
    {
        Span<byte> inode = InodeOf(number);
        Write16(inode, 0, type);
        Write32(inode, 4, (uint)size);
        bool extents = _hasExtents && type != Link;
        if (extents) Write32(inode, 32, 0x80000);
        if (!extents) Write32(inode, 40, (uint)block);
        else
        {
            Write16(inode, 40, 0xF30A);
            Write16(inode, 42, 1);
            Write16(inode, 44, 4);
            Write16(inode, 56, 1);
            Write32(inode, 60, (uint)block);
        }
    }

    private Span<byte> InodeOf(int number) => _disk.AsSpan(InodeTable * BlockSize + (number - 1) * InodeSize, InodeSize);

    private static void Write16(Span<byte> bytes, int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes[at..], (ushort)value);

    private static void Write32(Span<byte> bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], value);
}
