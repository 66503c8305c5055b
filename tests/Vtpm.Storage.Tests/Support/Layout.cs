using System.Buffers.Binary;

namespace Vtpm.Storage.Tests;

/// <summary>Bytes written down in the order of a documented layout, without the product's codec.</summary>
internal sealed class Layout
{
    private readonly List<byte> _bytes = [];

    public int Length => _bytes.Count;

    public Layout Bytes(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public Layout Fill(byte value, int count) => Bytes(Enumerable.Repeat(value, count).ToArray());

    public Layout UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Bytes(bytes);
    }

    public Layout UInt32LittleEndian(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public Layout UInt64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return Bytes(bytes);
    }

    public Layout PadTo(int length) => Fill(0, length - Length);

    public byte[] ToArray() => [.. _bytes];
}
