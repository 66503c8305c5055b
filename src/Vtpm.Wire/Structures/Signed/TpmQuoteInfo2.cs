namespace Vtpm.Wire;

/// <summary><c>TPM_QUOTE_INFO2</c>, Part 2 §11.4: what TPM_Quote2 signs; when a version was asked for, a TPM_CAP_VERSION_INFO follows it.</summary>
public struct TpmQuoteInfo2 : IWireStructure<TpmQuoteInfo2>
{
    /// <summary>"QUT2".</summary>
    public const uint Fixed = 0x51555432;

    public TpmNonce ExternalData;
    public TpmPcrInfoShort InfoShort;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmQuoteInfo2 value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Tag(TpmStructureTag.QuoteInfo2);
        wire.Constant(Fixed);
        wire.Structure(ref value.ExternalData);
        wire.Structure(ref value.InfoShort);
    }
}
