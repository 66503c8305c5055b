using System.Buffers.Binary;

namespace Vtpm.Engine.Commands.Capability;

/// <summary>The bytes of subcaps and responses.</summary>
internal static class CapabilityValue
{
    /// <summary>Reads a subcap that is a number: four bytes, or two as the enumerations have that are a UINT16.</summary>
    public static bool TryNumber(ReadOnlySpan<byte> subCap, out uint number)
    {
        number = subCap.Length switch
        {
            sizeof(uint) => BinaryPrimitives.ReadUInt32BigEndian(subCap),
            sizeof(ushort) => BinaryPrimitives.ReadUInt16BigEndian(subCap),
            _ => 0,
        };
        return subCap.Length is sizeof(uint) or sizeof(ushort);
    }

    public static ReadOnlyMemory<byte> Of(bool value) => new byte[] { value ? (byte)1 : (byte)0 };

    public static ReadOnlyMemory<byte> Of(params ReadOnlySpan<uint> values)
    {
        byte[] bytes = new byte[values.Length * sizeof(uint)];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * sizeof(uint)), values[i]);
        return bytes;
    }
}
