namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_COMPOSITE</c>, Part 2 §8.2: selected PCRs and their values, of which the composite hash is made.</summary>
public struct TpmPcrComposite : IWireStructure<TpmPcrComposite>
{
    public TpmPcrSelection Select;

    /// <summary>The values in the order of their PCRs, 20 bytes each.</summary>
    public ReadOnlyMemory<byte> PcrValue;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrComposite value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.Select);
        wire.Sized32(ref value.PcrValue);
    }
}
