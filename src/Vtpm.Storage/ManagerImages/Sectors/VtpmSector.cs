using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// Up to 48 vTPMs. Who they are is under the image's key alone; their key data, also under the group's, so that it stays closed with its group.
/// The parent's hash covers the whole, 4048 bytes.
/// </summary>
internal struct VtpmSector : IWireStructure<VtpmSector>
{
    public const int VtpmCount = 48;
    public const int KeyDataSize = 64;

    /// <summary>48 * (16 + 4) + 16 + 48 * 64. The sector has room for 16 more.</summary>
    public const int Size = (VtpmCount * 20) + HostOrderCtr.CounterSize + (VtpmCount * KeyDataSize);

    public VtpmHeader[] Headers;
    public byte[] Counter;

    /// <summary>48 * 64 bytes under the group's key.</summary>
    public byte[] KeyData;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmSector value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structures(ref value.Headers, VtpmCount);
        wire.Bytes(ref value.Counter, HostOrderCtr.CounterSize);
        wire.Bytes(ref value.KeyData, VtpmCount * KeyDataSize);
    }
}

internal struct VtpmHeader : IWireStructure<VtpmHeader>
{
    public Guid Uuid;
    public uint Flags;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmHeader value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Uuid(ref value.Uuid);
        wire.UInt32(ref value.Flags);
    }
}
