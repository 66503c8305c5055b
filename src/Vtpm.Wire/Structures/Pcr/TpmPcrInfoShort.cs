namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_INFO_SHORT</c>, Part 2 §8.5.</summary>
public struct TpmPcrInfoShort : IWireStructure<TpmPcrInfoShort>
{
    public TpmPcrSelection PcrSelection;
    public TpmLocalitySelection LocalityAtRelease;
    public TpmDigest DigestAtRelease;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrInfoShort value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrSelection);
        wire.Enum(ref value.LocalityAtRelease);
        TpmDigest.Describe(ref wire, ref value.DigestAtRelease);
    }
}
