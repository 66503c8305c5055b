using Vtpm.Engine;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Instance;

/// <summary>The hardware TPM as a vTPM's engine sees it: behind the link to the manager.</summary>
public sealed class ParentTpm(ManagerLink manager, Action<string> log) : IParentTpm
{
    /// <summary>Bytes of a selection that the manager takes; whether the hardware has so many PCRs, it says itself.</summary>
    private const int LongestSelection = 32;

    public TpmResult Quote(in TpmDigest digest, in TpmPcrSelection pcrs, VtpmQuoteFlags flags, out VtpmGetQuoteResponse quote)
    {
        quote = default;
        if (pcrs.PcrSelect.Length > LongestSelection) return TpmResult.InvalidPcrInfo;
        try
        {
            quote = manager.GetQuote(new VtpmGetQuoteRequest { Nonce = new TpmNonce(digest.ReadOnlySpan), PcrSelection = pcrs, Flags = flags });
            return TpmResult.Success;
        }
        catch (ManagerErrorException exception)
        {
            log($"no quote of the hardware TPM: {exception.Message}");
            return exception.Result;
        }
        catch (TpmTransportException exception)
        {
            // A quote changes nothing, so that the guest may ask again.
            log($"no quote of the hardware TPM: {exception.Message}");
            return TpmResult.Retry;
        }
    }
}
