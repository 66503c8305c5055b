using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>Judges what GROUP_QUOTE is answered.</summary>
public static class GroupQuotes
{
    /// <summary>The composite hash that the quote vouches for; null when it is none by that key, of these PCRs, over this nonce.</summary>
    public static TpmDigest? Verify(in VtpmGroupQuoteResponse quote, ReadOnlySpan<byte> aikModulus, TpmNonce nonce, uint pcrMask)
    {
        int[] pcrs = [.. PcrList.Pcrs(pcrMask)];
        ReadOnlyMemory<byte> values = quote.PcrValues;
        if (values.Length != pcrs.Length * TpmDigest.Size) return null;
        TpmDigest composite =
            PcrList.Composite(pcrMask, pcr => new TpmDigest(values.Span.Slice(Array.IndexOf(pcrs, pcr) * TpmDigest.Size, TpmDigest.Size)));
        return BareQuote.Verify(aikModulus, composite, BareQuote.Shown(nonce), quote.Signature.Span) ? composite : null;
    }
}
