namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_TPM</c>, Part 2 §22.4: the parameters of a DAA context that are the TPM's own.</summary>
public struct TpmDaaTpm : IWireStructure<TpmDaaTpm>
{
    public TpmDigest DaaDigestIssuer;
    public TpmDigest DaaDigestV0;
    public TpmDigest DaaDigestV1;
    public TpmDigest DaaRekey;
    public uint DaaCount;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaTpm value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaaTpm);
        wire.Structure(ref value.DaaDigestIssuer);
        wire.Structure(ref value.DaaDigestV0);
        wire.Structure(ref value.DaaDigestV1);
        wire.Structure(ref value.DaaRekey);
        wire.UInt32(ref value.DaaCount);
    }
}
