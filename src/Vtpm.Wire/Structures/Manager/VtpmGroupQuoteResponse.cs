namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GROUP_QUOTE</c>, response.</summary>
public struct VtpmGroupQuoteResponse : IWireStructure<VtpmGroupQuoteResponse>
{
    /// <summary>256 bytes.</summary>
    public ReadOnlyMemory<byte> Signature;

    /// <summary>20 bytes for each selected PCR.</summary>
    public ReadOnlyMemory<byte> PcrValues;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGroupQuoteResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Exact(ref value.Signature, 256);
        wire.Rest(ref value.PcrValues);
    }
}
