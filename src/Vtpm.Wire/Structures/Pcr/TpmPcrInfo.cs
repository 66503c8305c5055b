namespace Vtpm.Wire;

/// <summary><c>TPM_PCR_INFO</c>, Part 2 §8.3.</summary>
public struct TpmPcrInfo : IWireStructure<TpmPcrInfo>
{
    public TpmPcrSelection PcrSelection;
    public TpmDigest DigestAtRelease;
    public TpmDigest DigestAtCreation;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmPcrInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrSelection);
        TpmDigest.Describe(ref wire, ref value.DigestAtRelease);
        TpmDigest.Describe(ref wire, ref value.DigestAtCreation);
    }
}
