namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_QUOTE</c>, request.</summary>
public struct VtpmGroupQuoteRequest : IWireStructure<VtpmGroupQuoteRequest>
{
    /// <summary>The index of the group.</summary>
    public uint Group;
    public TpmNonce Nonce;
    public TpmPcrSelection PcrSelection;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupQuoteRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.Group);
        wire.Structure(ref value.Nonce);
        wire.Structure(ref value.PcrSelection);
    }
}
