namespace Vtpm.Wire;

/// <summary>TPM_NV_ReadValue by the manager (0x02000306; this layout is ours), response.</summary>
public struct VtpmNvReadValueResponse : IWireStructure<VtpmNvReadValueResponse>
{
    public ReadOnlyMemory<byte> Data;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmNvReadValueResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.Data);
    }
}
