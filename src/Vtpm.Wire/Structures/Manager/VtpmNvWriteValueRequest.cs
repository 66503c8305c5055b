namespace Vtpm.Wire;

/// <summary>TPM_NV_WriteValue by the manager (0x02000305; this layout is ours), request.</summary>
public struct VtpmNvWriteValueRequest : IWireStructure<VtpmNvWriteValueRequest>
{
    public uint NvIndex;
    public uint Offset;
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNvWriteValueRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.NvIndex);
        wire.UInt32(ref value.Offset);
        wire.Sized32(ref value.Data);
    }
}
