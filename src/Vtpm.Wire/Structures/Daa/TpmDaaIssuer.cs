namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_ISSUER</c>, Part 2 §22.3: the public parameters of a DAA issuer, by their digests.</summary>
public struct TpmDaaIssuer : IWireStructure<TpmDaaIssuer>
{
    public TpmDigest DaaDigestR0;
    public TpmDigest DaaDigestR1;
    public TpmDigest DaaDigestS0;
    public TpmDigest DaaDigestS1;
    public TpmDigest DaaDigestN;
    public TpmDigest DaaDigestGamma;

    /// <summary>26 bytes: q itself.</summary>
    public ReadOnlyMemory<byte> DaaGenericQ;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaIssuer value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaaIssuer);
        wire.Structure(ref value.DaaDigestR0);
        wire.Structure(ref value.DaaDigestR1);
        wire.Structure(ref value.DaaDigestS0);
        wire.Structure(ref value.DaaDigestS1);
        wire.Structure(ref value.DaaDigestN);
        wire.Structure(ref value.DaaDigestGamma);
        wire.Exact(ref value.DaaGenericQ, 26);
    }
}
