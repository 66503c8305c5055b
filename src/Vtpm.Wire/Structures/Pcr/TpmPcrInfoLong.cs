namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_INFO_LONG</c>, Part 2 §8.4.</summary>
public struct TpmPcrInfoLong : IWireStructure<TpmPcrInfoLong>
{
    public TpmLocalitySelection LocalityAtCreation;
    public TpmLocalitySelection LocalityAtRelease;
    public TpmPcrSelection CreationPcrSelection;
    public TpmPcrSelection ReleasePcrSelection;
    public TpmDigest DigestAtCreation;
    public TpmDigest DigestAtRelease;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrInfoLong value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.PcrInfoLong);
        wire.Enum(ref value.LocalityAtCreation);
        wire.Enum(ref value.LocalityAtRelease);
        wire.Structure(ref value.CreationPcrSelection);
        wire.Structure(ref value.ReleasePcrSelection);
        TpmDigest.Describe(ref wire, ref value.DigestAtCreation);
        TpmDigest.Describe(ref wire, ref value.DigestAtRelease);
    }
}
