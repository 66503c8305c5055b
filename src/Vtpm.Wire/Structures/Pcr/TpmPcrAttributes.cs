namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_ATTRIBUTES</c>, Part 2 §8.8: whether a PCR can be reset, and from which localities it can be extended and reset.</summary>
public struct TpmPcrAttributes : IWireStructure<TpmPcrAttributes>
{
    public bool PcrReset;
    public TpmLocalitySelection PcrExtendLocal;
    public TpmLocalitySelection PcrResetLocal;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrAttributes value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Bool(ref value.PcrReset);
        wire.Enum(ref value.PcrExtendLocal);
        wire.Enum(ref value.PcrResetLocal);
    }
}
