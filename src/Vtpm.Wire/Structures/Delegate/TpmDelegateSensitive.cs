namespace Vtpm.Wire;

/// <summary><c>TPM_DELEGATE_SENSITIVE</c>, Part 2 §20.11: the part of a delegation blob that is encrypted.</summary>
public struct TpmDelegateSensitive : IWireStructure<TpmDelegateSensitive>
{
    public TpmAuthData AuthValue;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmDelegateSensitive value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.DelegateSensitive);
        wire.Structure(ref value.AuthValue);
    }
}
