using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// The TPM that a vTPM is rooted in: the hardware's, by way of the vTPM manager. Two commands of Xen ask it in their middle; it is to answer or to
/// fail before long, for the vTPM's guests wait meanwhile.
/// </summary>
public interface IParentTpm
{
    /// <summary>VTPM_ORD_GET_QUOTE: a quote of the hardware's PCRs over <paramref name="digest"/>, signed for the vTPM that asks.</summary>
    /// <param name="digest">What is signed besides the PCRs.</param>
    /// <param name="pcrs">The hardware's PCRs.</param>
    /// <param name="flags">What is to be told, and signed, about the vTPM.</param>
    /// <param name="quote">The quote, as the manager answers it.</param>
    /// <returns>What the manager answers; TPM_RETRY when it is not to be reached now. Never an exception.</returns>
    TpmResult Quote(in TpmDigest digest, in TpmPcrSelection pcrs, VtpmQuoteFlags flags, out VtpmGetQuoteResponse quote);
}
