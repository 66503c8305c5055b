using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Vtpm.Wire;

/// <summary>Field shapes that are made of the primitive ones.</summary>
public static class WireCodecExtensions
{
    private const int UuidSize = 16;

    /// <summary>A <c>BOOL</c> (Part 2 §2.2.1): 0 or 1, any other byte is TPM_BAD_PARAMETER.</summary>
    public static void Bool<TCodec>(this ref TCodec wire, ref bool value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        byte raw = value ? (byte)1 : (byte)0;
        wire.UInt8(ref raw);
        if (raw > 1) wire.Fault(TpmResult.BadParameter);
        value = raw == 1;
    }

    /// <summary>An enumeration in the width of its underlying type.</summary>
    public static void Enum<TCodec, TEnum>(this ref TCodec wire, ref TEnum value)
        where TCodec : struct, IWireCodec, allows ref struct
        where TEnum : unmanaged, Enum
    {
        if (Unsafe.SizeOf<TEnum>() == 1) wire.UInt8(ref Unsafe.As<TEnum, byte>(ref value));
        else if (Unsafe.SizeOf<TEnum>() == 2) wire.UInt16(ref Unsafe.As<TEnum, ushort>(ref value));
        else wire.UInt32(ref Unsafe.As<TEnum, uint>(ref value));
    }

    /// <summary>A UINT32 length and as many bytes.</summary>
    public static void Sized32<TCodec>(this ref TCodec wire, ref ReadOnlyMemory<byte> value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        uint length = (uint)value.Length;
        wire.UInt32(ref length);
        wire.Run(ref value, length <= int.MaxValue ? (int)length : int.MaxValue);
    }

    /// <summary>A UINT16 length and as many bytes.</summary>
    public static void Sized16<TCodec>(this ref TCodec wire, ref ReadOnlyMemory<byte> value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        ushort length = (ushort)value.Length;
        wire.UInt16(ref length);
        wire.Run(ref value, length);
    }

    /// <summary>A structure inside a structure.</summary>
    public static void Structure<TCodec, TStructure>(this ref TCodec wire, ref TStructure value)
        where TCodec : struct, IWireCodec, allows ref struct
        where TStructure : struct, IWireStructure<TStructure> => TStructure.Describe(ref wire, ref value);

    /// <summary>A structure tag (Part 2 §3): written as given; another one read is TPM_BADTAG.</summary>
    public static void Tag<TCodec>(this ref TCodec wire, TpmStructureTag tag)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmStructureTag raw = tag;
        wire.Enum(ref raw);
        if (raw != tag) wire.Fault(TpmResult.BadTag);
    }

    /// <summary>
    /// A list of structures with a count of UINT32. <paramref name="limit"/> bounds what a hostile count can make the reader allocate.
    /// </summary>
    public static void List32<TCodec, TItem>(this ref TCodec wire, ref TItem[] items, int limit)
        where TCodec : struct, IWireCodec, allows ref struct
        where TItem : struct, IWireStructure<TItem>
    {
        items ??= [];
        uint count = (uint)items.Length;
        wire.UInt32(ref count);
        if (count > limit)
        {
            wire.Fault(TpmResult.BadParamSize);
            return;
        }

        if (wire.IsReading) items = new TItem[count];
        for (int i = 0; i < items.Length; i++) TItem.Describe(ref wire, ref items[i]);
    }

    /// <summary>A length of UINT32 whose bytes do not follow at once; they are described with it by <see cref="IWireCodec.Run"/>.</summary>
    public static int Length32<TCodec>(this ref TCodec wire, ReadOnlyMemory<byte> value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        uint length = (uint)value.Length;
        wire.UInt32(ref length);
        return (int)Math.Min(length, int.MaxValue);
    }

    /// <summary>A <c>BYTE[n]</c>: exactly <paramref name="length"/> bytes; an empty value stands for zeroes.</summary>
    public static void Exact<TCodec>(this ref TCodec wire, ref ReadOnlyMemory<byte> value, int length)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        if (!wire.IsReading && value.IsEmpty) value = new byte[length];
        wire.Run(ref value, length);
    }

    /// <summary>A <c>TPM_STRUCT_VER</c> inside a structure (Part 2 §5.1): written 1.1.0.0; read, its revision is ignored.</summary>
    public static void Version11<TCodec>(this ref TCodec wire)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        ushort version = 0x0101;
        ushort revision = 0;
        wire.UInt16(ref version);
        wire.UInt16(ref revision);
        if (version != 0x0101) wire.Fault(TpmResult.BadVersion);
    }

    /// <summary>Four bytes that a structure always has: written as given; others read are TPM_INVALID_STRUCTURE.</summary>
    public static void Constant<TCodec>(this ref TCodec wire, uint expected)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        uint raw = expected;
        wire.UInt32(ref raw);
        if (raw != expected) wire.Fault(TpmResult.InvalidStructure);
    }

    /// <summary>A byte that a structure always has: written as given; another one read is TPM_INVALID_STRUCTURE.</summary>
    public static void Constant<TCodec>(this ref TCodec wire, byte expected)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        byte raw = expected;
        wire.UInt8(ref raw);
        if (raw != expected) wire.Fault(TpmResult.InvalidStructure);
    }

    /// <summary>A count of UINT16 and as many UINT32.</summary>
    public static void UInt32List16<TCodec>(this ref TCodec wire, ref uint[] items)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        items ??= [];
        ushort count = (ushort)items.Length;
        wire.UInt16(ref count);
        if (wire.IsReading)
        {
            // The bytes are taken first: a count that they do not bear out must not make the reader allocate.
            ReadOnlyMemory<byte> bytes = default;
            wire.Run(ref bytes, count * sizeof(uint));
            items = new uint[bytes.Length / sizeof(uint)];
            for (int i = 0; i < items.Length; i++) items[i] = BinaryPrimitives.ReadUInt32BigEndian(bytes.Span[(i * sizeof(uint))..]);
            return;
        }

        if (count != items.Length) wire.Fault(TpmResult.BadParamSize);
        for (int i = 0; i < items.Length; i++) wire.UInt32(ref items[i]);
    }

    /// <summary>A uuid of 16 bytes in the order of its text, as Xen's vTPM manager has them.</summary>
    public static void Uuid<TCodec>(this ref TCodec wire, ref Guid value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        Span<byte> bytes = stackalloc byte[UuidSize];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        wire.Fixed(bytes);
        value = new Guid(bytes, bigEndian: true);
    }

    /// <summary>Uuids up to the end; a part of one is TPM_BAD_PARAM_SIZE.</summary>
    public static void UuidsToEnd<TCodec>(this ref TCodec wire, ref Guid[] items)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        items ??= [];
        if (wire.IsReading)
        {
            ReadOnlyMemory<byte> bytes = default;
            wire.Rest(ref bytes);
            if (bytes.Length % UuidSize != 0) wire.Fault(TpmResult.BadParamSize);
            items = new Guid[bytes.Length / UuidSize];
            for (int i = 0; i < items.Length; i++) items[i] = new Guid(bytes.Span.Slice(i * UuidSize, UuidSize), bigEndian: true);
            return;
        }

        for (int i = 0; i < items.Length; i++) wire.Uuid(ref items[i]);
    }
}
