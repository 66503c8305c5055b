namespace Vtpm.Wire;

/// <summary><c>TPM_STANY_FLAGS</c>, Part 2 §7.3: flags that every TPM_Startup resets.</summary>
public struct TpmStAnyFlags : IWireStructure<TpmStAnyFlags>
{
    public bool PostInitialise;

    /// <summary>TPM_MODIFIER_INDICATOR: the locality of the present command.</summary>
    public uint LocalityModifier;
    public bool TransportExclusive;
    public bool TosPresent;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmStAnyFlags value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.StAnyFlags);
        wire.Bool(ref value.PostInitialise);
        wire.UInt32(ref value.LocalityModifier);
        wire.Bool(ref value.TransportExclusive);
        wire.Bool(ref value.TosPresent);
    }
}
