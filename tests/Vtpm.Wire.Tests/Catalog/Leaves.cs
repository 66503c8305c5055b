using System.Buffers.Binary;
using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vtpm.Wire.Tests;

/// <summary>A structure taken apart into its primitive fields by reflection: an opinion on its content that does not come from its description.</summary>
internal static class Leaves
{
    /// <summary>Every primitive field by its path (<c>Pub.PcrInfo.PcrSelection.PcrSelect</c>, <c>Handle[1]</c>) with its big-endian bytes.</summary>
    public static IEnumerable<(string Path, byte[] Bytes, Type Type)> Of(object value) => Of("", value);

    public static IEnumerable<FieldInfo> FieldsOf(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Instance);

    public static bool IsInlineArray(Type type) => type.GetCustomAttribute<InlineArrayAttribute>() != null;

    /// <summary>The bytes of an inline array of bytes, boxed.</summary>
    public static Span<byte> InlineBytes(object boxed) =>
        MemoryMarshal.CreateSpan(ref Unsafe.As<Box>(boxed).First, boxed.GetType().GetCustomAttribute<InlineArrayAttribute>()!.Length);

    private static IEnumerable<(string Path, byte[] Bytes, Type Type)> Of(string path, object? value)
    {
        if (value is null) return [];
        if (Primitive(value) is { } bytes) return [(path, bytes, value.GetType())];
        if (value is IList list)
        {
            return Enumerable.Range(0, list.Count).SelectMany(i => Of($"{path}[{i}]", list[i]));
        }

        string prefix = path.Length == 0 ? "" : path + ".";
        return FieldsOf(value.GetType()).SelectMany(field => Of(prefix + field.Name, field.GetValue(value)));
    }

    private static byte[]? Primitive(object value)
    {
        if (value.GetType().IsEnum) value = Convert.ChangeType(value, Enum.GetUnderlyingType(value.GetType()), null);
        switch (value)
        {
            case byte number: return [number];
            case bool flag: return [flag ? (byte)1 : (byte)0];
            case ReadOnlyMemory<byte> memory: return memory.ToArray();
            case Guid uuid: return uuid.ToByteArray(bigEndian: true);
        }

        byte[] bytes = new byte[8];
        switch (value)
        {
            case ushort number: BinaryPrimitives.WriteUInt16BigEndian(bytes, number); return bytes[..2];
            case uint number: BinaryPrimitives.WriteUInt32BigEndian(bytes, number); return bytes[..4];
            case ulong number: BinaryPrimitives.WriteUInt64BigEndian(bytes, number); return bytes;
        }

        return IsInlineArray(value.GetType()) ? InlineBytes(value).ToArray() : null;
    }

    /// <summary>The shape of a boxed value type, for its first byte.</summary>
    private sealed class Box
    {
        public byte First;
    }
}
