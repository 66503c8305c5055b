using System.Buffers.Binary;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>Field shapes of the manager's image.</summary>
internal static class CodecExtensions
{
    /// <summary>A run of fixed length in an array of its own.</summary>
    public static void Bytes<TCodec>(this ref TCodec wire, ref byte[] value, int length)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        if (value is null || value.Length != length) value = new byte[length];
        wire.Fixed(value);
    }

    /// <summary>Sector numbers.</summary>
    public static void UInt32s<TCodec>(this ref TCodec wire, ref uint[] values, int count)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        values ??= new uint[count];
        for (int i = 0; i < count; i++) wire.UInt32(ref values[i]);
    }

    /// <summary>As many structures as the layout always has.</summary>
    public static void Structures<TCodec, TItem>(this ref TCodec wire, ref TItem[] values, int count)
        where TCodec : struct, IWireCodec, allows ref struct
        where TItem : struct, IWireStructure<TItem>
    {
        values ??= new TItem[count];
        for (int i = 0; i < count; i++) TItem.Describe(ref wire, ref values[i]);
    }

    /// <summary>A uuid in the byte order of RFC 4122.</summary>
    public static void Uuid<TCodec>(this ref TCodec wire, ref Guid value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        wire.Fixed(bytes);
        value = new Guid(bytes, bigEndian: true);
    }
}
