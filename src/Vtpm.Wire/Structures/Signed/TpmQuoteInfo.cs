namespace Vtpm.Wire;

/// <summary><c>TPM_QUOTE_INFO</c>, Part 2 §11.3: what TPM_Quote signs.</summary>
public struct TpmQuoteInfo : IWireStructure<TpmQuoteInfo>
{
    /// <summary>"QUOT".</summary>
    public const uint Fixed = 0x51554F54;

    public TpmDigest DigestValue;
    public TpmNonce ExternalData;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmQuoteInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Version11();
        wire.Constant(Fixed);
        wire.Structure(ref value.DigestValue);
        wire.Structure(ref value.ExternalData);
    }
}
