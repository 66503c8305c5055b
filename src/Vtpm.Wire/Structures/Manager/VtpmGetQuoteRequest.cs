namespace Vtpm.Wire;

/// <summary><c>VTPM_ORD_GET_QUOTE</c>, request: a quote of the hardware TPM by the group's key.</summary>
public struct VtpmGetQuoteRequest : IWireStructure<VtpmGetQuoteRequest>
{
    public TpmNonce Nonce;
    public TpmPcrSelection PcrSelection;
    public VtpmQuoteFlags Flags;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmGetQuoteRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.Nonce);
        wire.Structure(ref value.PcrSelection);
        wire.Enum(ref value.Flags);
    }
}
