namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_CONTEXT</c>, Part 2 §22.5: a DAA session between its stages.</summary>
public struct TpmDaaContext : IWireStructure<TpmDaaContext>
{
    public TpmDigest DaaDigestContext;
    public TpmDigest DaaDigest;
    public TpmNonce DaaContextSeed;

    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> DaaScratch;
    public byte DaaStage;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaContext value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DaaContext);
        wire.Structure(ref value.DaaDigestContext);
        wire.Structure(ref value.DaaDigest);
        wire.Structure(ref value.DaaContextSeed);
        wire.Exact(ref value.DaaScratch, 256);
        wire.UInt8(ref value.DaaStage);
    }
}
