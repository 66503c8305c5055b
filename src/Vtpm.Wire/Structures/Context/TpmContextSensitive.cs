namespace Vtpm.Wire;

/// <summary><c>TPM_CONTEXT_SENSITIVE</c>, Part 2 §18.2: the part of a saved context that is encrypted.</summary>
public struct TpmContextSensitive : IWireStructure<TpmContextSensitive>
{
    public TpmNonce ContextNonce;
    public ReadOnlyMemory<byte> InternalData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmContextSensitive value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.ContextSensitive);
        wire.Structure(ref value.ContextNonce);
        wire.Sized32(ref value.InternalData);
    }
}
