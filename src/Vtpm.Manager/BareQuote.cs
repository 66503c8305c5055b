using Vtpm.Client.Attestation;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>Quotes of the hardware TPM that speak for no vTPM: for GROUP_QUOTE, GROUP_REGISTER and GROUP_RECOVER1.</summary>
internal static class BareQuote
{
    /// <summary>Whether the hardware has so many PCRs it says itself; a longer one would not fit into a command beside the rest.</summary>
    public const int LongestSelection = 32;

    /// <summary>SHA-1 of what is to be quoted, hashed once more with flags of zero, as GET_QUOTE does.</summary>
    public static TpmDigest ExternalData(ReadOnlySpan<byte> quoted) => QuoteFormula.ExternalData(VtpmQuoteFlags.None, TpmDigest.Of(quoted), []);

    /// <summary>Whether the key signed that with PCRs of that composite hash.</summary>
    public static bool Verify(ReadOnlySpan<byte> modulus, TpmDigest composite, ReadOnlySpan<byte> quoted, ReadOnlySpan<byte> signature) =>
        QuoteFormula.Verify(modulus, composite, ExternalData(quoted), signature);

    /// <summary>What GROUP_REGISTER quotes.</summary>
    public static byte[] Registered(ReadOnlySpan<byte> dhkx1, ReadOnlySpan<byte> dhkx2, ReadOnlySpan<byte> recoverBlob) =>
        [.. "REGR"u8, .. dhkx1, .. dhkx2, .. recoverBlob];

    /// <summary>What GROUP_RECOVER1 quotes.</summary>
    public static byte[] Recovering(TpmNonce nonce, ReadOnlySpan<byte> dhkx1) => [.. "RCVR"u8, .. nonce.ReadOnlySpan, .. dhkx1];

    /// <summary>What GROUP_QUOTE quotes.</summary>
    public static byte[] Shown(TpmNonce nonce) => [.. "SHOW"u8, .. nonce.ReadOnlySpan];
}
