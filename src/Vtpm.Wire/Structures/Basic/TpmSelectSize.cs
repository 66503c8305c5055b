namespace Vtpm.Wire;

/// <summary><c>TPM_SELECT_SIZE</c>, Part 2 §5.18: the question of TPM_CAP_SELECT_SIZE: is a PCR selection of this size supported.</summary>
public struct TpmSelectSize : IWireStructure<TpmSelectSize>
{
    public byte Major;
    public byte Minor;
    public ushort ReqSize;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmSelectSize value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt8(ref value.Major);
        wire.UInt8(ref value.Minor);
        wire.UInt16(ref value.ReqSize);
    }
}
