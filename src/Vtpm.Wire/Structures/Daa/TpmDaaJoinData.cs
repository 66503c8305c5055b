namespace Vtpm.Wire;

/// <summary><c>TPM_DAA_JOINDATA</c>, Part 2 §22.6: what exists only while DAA parameters are joined.</summary>
public struct TpmDaaJoinData : IWireStructure<TpmDaaJoinData>
{
    /// <summary>128 bytes.</summary>
    public ReadOnlyMemory<byte> DaaJoinU0;

    /// <summary>138 bytes, as the definition has it; the table below it says 128.</summary>
    public ReadOnlyMemory<byte> DaaJoinU1;
    public TpmDigest DaaDigestN0;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDaaJoinData value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.DaaJoinU0, 128);
        wire.Exact(ref value.DaaJoinU1, 138);
        wire.Structure(ref value.DaaDigestN0);
    }
}
