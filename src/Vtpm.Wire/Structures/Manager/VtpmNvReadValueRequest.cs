namespace Vtpm.Wire;

/// <summary>TPM_NV_ReadValue by the manager (0x02000306; this layout is ours), request.</summary>
public struct VtpmNvReadValueRequest : IWireStructure<VtpmNvReadValueRequest>
{
    public uint NvIndex;
    public uint Offset;
    public uint DataSize;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNvReadValueRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.NvIndex);
        wire.UInt32(ref value.Offset);
        wire.UInt32(ref value.DataSize);
    }
}
