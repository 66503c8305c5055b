using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>The two commands that Xen's vTPMs have besides those of the specification.</content>
public sealed partial class TpmClient
{
    /// <summary><c>TPM_DeepQuote</c>: a quote of the hardware TPM over its own PCRs and this vTPM's.</summary>
    /// <param name="ownerAuth">A session of the vTPM's owner.</param>
    /// <param name="externData">The verifier's nonce.</param>
    /// <param name="vtSel">PCRs of the vTPM, whose values TPM_PCRRead tells.</param>
    /// <param name="ptSel">PCRs of the hardware, whose values come with the quote.</param>
    /// <param name="extraInfoFlags">What is to be said about the vTPM.</param>
    public VtpmGetQuoteResponse DeepQuote(
        TpmSession ownerAuth, TpmNonce externData, TpmPcrSelection vtSel, TpmPcrSelection ptSel, VtpmQuoteFlags extraInfoFlags)
    {
        TpmRequest request = Begin(TpmOrdinal.DeepQuote);
        request.Structure(externData);
        request.Structure(vtSel);
        request.Structure(ptSel);
        request.UInt32((uint)extraInfoFlags);
        return ExecuteFor<VtpmGetQuoteResponse>(request, ownerAuth);
    }

    /// <summary><c>TPM_ParentSignEK</c>: a quote of the hardware TPM over the endorsement key of a vTPM that has just made it.</summary>
    /// <param name="ownerAuth">A session of the vTPM's owner.</param>
    /// <param name="externData">The verifier's nonce.</param>
    /// <param name="ptSel">PCRs of the hardware, whose values come with the quote.</param>
    public VtpmGetQuoteResponse ParentSignEK(TpmSession ownerAuth, TpmNonce externData, TpmPcrSelection ptSel)
    {
        TpmRequest request = Begin(TpmOrdinal.ParentSignEK);
        request.Structure(externData);
        request.Structure(ptSel);
        return ExecuteFor<VtpmGetQuoteResponse>(request, ownerAuth);
    }
}
