using System.Buffers.Binary;

namespace Vtpm.Boot;

/// <summary>One file, folder or link, as the guest's file system describes it.</summary>
/// <param name="bytes">The first 128 bytes of its description.</param>
internal sealed class ExtInode(byte[] bytes)
{
    private const uint Encrypted = 0x800;
    private const uint Extents = 0x80000;
    private const uint Inline = 0x10000000;

    public bool IsFile => Type == 0x8000;

    public bool IsFolder => Type == 0x4000;

    public bool IsLink => Type == 0xA000;

    public bool HasExtents => (Flags & Extents) != 0;

    public bool IsReadable => (Flags & (Encrypted | Inline)) == 0;

    public long Size => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)) | (IsFile ? (long)BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(108)) << 32 : 0);

    /// <summary>The places of its blocks, or the root of the tree of its extents.</summary>
    public ReadOnlySpan<byte> Map => bytes.AsSpan(40, 60);

    /// <summary>A short link's target, which stands where others have the places of their blocks.</summary>
    public byte[]? InlineTarget => IsLink && !HasExtents && Size is > 0 and < 60 ? Map[..(int)Size].ToArray() : null;

    private int Type => BinaryPrimitives.ReadUInt16LittleEndian(bytes) & 0xF000;

    private uint Flags => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(32));
}
