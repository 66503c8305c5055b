namespace Vtpm.Wire;

/// <summary>A platform of a configuration: the composite hash, and the PCRs that it is made of.</summary>
public struct VtpmPlatform : IWireStructure<VtpmPlatform>
{
    public TpmPcrSelection PcrSelection;
    public TpmDigest Composite;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmPlatform value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PcrSelection);
        wire.Structure(ref value.Composite);
    }
}
