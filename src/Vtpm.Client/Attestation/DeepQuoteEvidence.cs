using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>
/// What a guest hands to a verifier: all that the hardware TPM has signed for it, and the signature. Nothing in it is believed before
/// <see cref="DeepQuoteVerifier"/> has found the signature over it.
/// </summary>
public sealed partial record DeepQuoteEvidence
{
    public required DeepQuoteKind Kind { get; init; }

    /// <summary>The verifier's, against replay.</summary>
    public required TpmNonce Nonce { get; init; }

    /// <summary>SHA-1 of the vTPM's uuid; null when it was not asked for, as with the next three.</summary>
    public TpmDigest? UuidHash { get; init; }

    /// <summary>SHA-1 of the vTPM's kernel hash.</summary>
    public TpmDigest? VtpmHash { get; init; }

    /// <summary>SHA-1 of the authority and the configuration of the vTPM's group.</summary>
    public TpmDigest? GroupHash { get; init; }

    /// <summary>SHA-1 of the authority of the vTPM's group.</summary>
    public TpmDigest? AuthorityHash { get; init; }

    public required PcrValues HardwarePcrs { get; init; }

    /// <summary>PCRs of the vTPM; null in evidence of an endorsement key.</summary>
    public PcrValues? VirtualPcrs { get; init; }

    /// <summary>The locality of the command as the vTPM has signed it: bit n for locality n; zero for localities above 7.</summary>
    public byte LocalityAtRelease { get; init; }

    /// <summary>The vTPM's endorsement key; null in evidence of its PCRs.</summary>
    public TpmPubKey? EndorsementKey { get; init; }

    /// <summary>256 bytes: the hardware TPM's, by the identity key of the vTPM's group.</summary>
    public required ReadOnlyMemory<byte> Signature { get; init; }

    /// <summary>What was asked to be said about the vTPM.</summary>
    public VtpmQuoteFlags Flags =>
        (UuidHash is null ? 0 : VtpmQuoteFlags.HashUuid)
        | (VtpmHash is null ? 0 : VtpmQuoteFlags.VtpmMeasurements)
        | (GroupHash is null ? 0 : VtpmQuoteFlags.GroupInfo)
        | (AuthorityHash is null ? 0 : VtpmQuoteFlags.GroupPubkey);

    /// <summary>The digest that the vTPM asked the hardware to quote.</summary>
    internal TpmDigest QuotedDigest => VirtualPcrs is { } pcrs
        ? WireFormat.Digest(new VtpmDeepQuoteInfo
        {
            ExternData = Nonce,
            PcrInfo = new TpmPcrInfoShort
            {
                PcrSelection = pcrs.Selection,
                LocalityAtRelease = (TpmLocalitySelection)LocalityAtRelease,
                DigestAtRelease = pcrs.Composite(),
            },
        })
        : QuoteFormula.EndorsementKeyDigest(EndorsementKey!.Value, Nonce);

    /// <summary>The externalData of the quote: everything but the hardware's PCRs.</summary>
    internal TpmDigest ExternalData
    {
        get
        {
            TpmDigest?[] hashes = [UuidHash, VtpmHash, GroupHash, AuthorityHash];
            return QuoteFormula.ExternalData(Flags, QuotedDigest, [.. hashes.OfType<TpmDigest>().SelectMany(hash => hash.ReadOnlySpan.ToArray())]);
        }
    }
}

/// <summary>What the evidence is of.</summary>
public enum DeepQuoteKind
{
    /// <summary>TPM_DeepQuote: PCRs of the vTPM.</summary>
    DeepQuote,

    /// <summary>TPM_ParentSignEK: the endorsement key of a vTPM that has just made it.</summary>
    EndorsementKey,
}

/// <summary>Evidence, or a policy, is not in the form that docs/deep-quotes.md describes.</summary>
public sealed class DeepQuoteFormatException : Exception
{
    public DeepQuoteFormatException()
    {
    }

    public DeepQuoteFormatException(string message)
        : base(message)
    {
    }

    public DeepQuoteFormatException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
