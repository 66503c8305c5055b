namespace Vtpm.Wire;

/// <summary>What a vTPM's TPM_DeepQuote asks the hardware TPM to quote, by its digest: the verifier's nonce and the PCRs of the vTPM.</summary>
public struct VtpmDeepQuoteInfo : IWireStructure<VtpmDeepQuoteInfo>
{
    /// <summary>"DQUT".</summary>
    public const uint Fixed = 0x44515554;

    public TpmNonce ExternData;

    /// <summary>The vTPM's PCRs, and the locality of the command.</summary>
    public TpmPcrInfoShort PcrInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref VtpmDeepQuoteInfo value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        // The version, which must be 0.0.0.0.
        wire.Constant(0u);
        wire.Constant(Fixed);
        wire.Structure(ref value.ExternData);
        wire.Structure(ref value.PcrInfo);
    }
}
