using System.Runtime.CompilerServices;

namespace Vtpm.Wire;

/// <summary>Field shapes that are made of the primitive ones.</summary>
public static class WireCodecExtensions
{
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
}
