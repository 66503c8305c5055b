using System.Numerics;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>What a guest is to ask its TPM for.</summary>
public sealed record DeepQuoteRequest
{
    /// <summary>The verifier's.</summary>
    public required TpmNonce Nonce { get; init; }

    /// <summary>PCRs of the hardware TPM, bit n for PCR n.</summary>
    public uint HardwarePcrs { get; init; } = (1u << PcrList.Count) - 1;

    /// <summary>PCRs of the vTPM, bit n for PCR n.</summary>
    public uint VirtualPcrs { get; init; } = 0xFFFF;

    /// <summary>What is to be said about the vTPM.</summary>
    public VtpmQuoteFlags Include { get; init; } = QuoteFormula.AllFlags;

    /// <summary>The locality that the link to the TPM has; the vTPM signs it, and does not tell it.</summary>
    public int Locality { get; init; }
}

/// <summary>A guest's side: asks its TPM for evidence.</summary>
public static class DeepQuoteProver
{
    /// <summary>A PCR that changes between its reading and the quote makes evidence that nobody can use: then both are done again.</summary>
    public const int Attempts = 8;

    private const int SizeOfSelect = PcrList.MaxSizeOfSelect;

    /// <summary>TPM_DeepQuote, with the values of the vTPM's PCRs, which the TPM leaves to TPM_PCRRead.</summary>
    /// <exception cref="TpmException">The TPM refuses.</exception>
    /// <exception cref="InvalidOperationException">PCRs changed during every attempt; the message says which.</exception>
    public static DeepQuoteEvidence Quote(TpmClient tpm, TpmSecret ownerSecret, DeepQuoteRequest request)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        ArgumentNullException.ThrowIfNull(request);
        uint changed = 0;
        PcrValues before = Read(tpm, request.VirtualPcrs);
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            VtpmGetQuoteResponse quote;
            using (TpmSession owner = tpm.Oiap(ownerSecret))
            {
                quote = tpm.DeepQuote(
                    owner, request.Nonce, before.Selection, PcrList.ToSelection(request.HardwarePcrs, SizeOfSelect), request.Include);
            }

            PcrValues after = Read(tpm, request.VirtualPcrs);
            uint different = Changed(before, after);
            if (different == 0) return Evidence(request, before, quote);
            changed |= different;
            before = after;
        }

        throw new InvalidOperationException(
            $"PCRs {PcrList.Describe(changed)} of the vTPM change all the time, and can be in no quote: leave them out, or quote when the guest is at rest");
    }

    /// <summary>TPM_ParentSignEK: evidence of the endorsement key, which a vTPM gives until it is first restarted.</summary>
    /// <exception cref="TpmException">The TPM refuses; TPM_DISABLED_CMD says that it was restarted since it made the key.</exception>
    public static DeepQuoteEvidence QuoteEndorsementKey(TpmClient tpm, TpmSecret ownerSecret, TpmNonce nonce, uint hardwarePcrs)
    {
        ArgumentNullException.ThrowIfNull(tpm);
        TpmPubKey key;
        // The owner's way: TPM_ReadPubek is closed once there is an owner.
        using (TpmSession owner = tpm.Oiap(ownerSecret)) key = tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner);
        VtpmGetQuoteResponse quote;
        using (TpmSession owner = tpm.Oiap(ownerSecret)) quote = tpm.ParentSignEK(owner, nonce, PcrList.ToSelection(hardwarePcrs, SizeOfSelect));
        return new DeepQuoteEvidence
        {
            Kind = DeepQuoteKind.EndorsementKey,
            Nonce = nonce,
            HardwarePcrs = HardwareValues(TpmOrdinal.ParentSignEK, quote, VtpmQuoteFlags.None, hardwarePcrs),
            EndorsementKey = key,
            Signature = quote.Signature,
        };
    }

    private static DeepQuoteEvidence Evidence(DeepQuoteRequest request, PcrValues virtualPcrs, in VtpmGetQuoteResponse quote)
    {
        PcrValues hardware = HardwareValues(TpmOrdinal.DeepQuote, quote, request.Include, request.HardwarePcrs);
        ReadOnlyMemory<byte> hashes = quote.Hashes(request.Include);
        return new DeepQuoteEvidence
        {
            Kind = DeepQuoteKind.DeepQuote,
            Nonce = request.Nonce,
            UuidHash = Hash(VtpmQuoteFlags.HashUuid),
            VtpmHash = Hash(VtpmQuoteFlags.VtpmMeasurements),
            GroupHash = Hash(VtpmQuoteFlags.GroupInfo),
            AuthorityHash = Hash(VtpmQuoteFlags.GroupPubkey),
            HardwarePcrs = hardware,
            VirtualPcrs = virtualPcrs,
            LocalityAtRelease = request.Locality is >= 0 and < 8 ? (byte)(1 << request.Locality) : (byte)0,
            Signature = quote.Signature,
        };

        TpmDigest? Hash(VtpmQuoteFlags flag)
        {
            if ((request.Include & flag) == 0) return null;
            int before = BitOperations.PopCount((uint)request.Include & ((uint)flag - 1));
            return new TpmDigest(hashes.Span.Slice(TpmDigest.Size * before, TpmDigest.Size));
        }
    }

    private static PcrValues HardwareValues(TpmOrdinal ordinal, in VtpmGetQuoteResponse quote, VtpmQuoteFlags flags, uint mask)
    {
        ReadOnlyMemory<byte> values = quote.PcrValues(flags);
        int hashes = BitOperations.PopCount((uint)flags);
        int pcrs = BitOperations.PopCount(mask);
        int length = quote.HashesAndPcrValues.Length;
        if (length != TpmDigest.Size * (hashes + pcrs))
            throw new TpmProtocolException(ordinal, $"{length} bytes follow the signature; {hashes} hashes and {pcrs} PCRs were asked for");
        return new PcrValues(SizeOfSelect, PcrList.Pcrs(mask).Select((pcr, i) => KeyValuePair.Create(pcr, ValueAt(i))));

        TpmDigest ValueAt(int i) => new(values.Span.Slice(TpmDigest.Size * i, TpmDigest.Size));
    }

    private static PcrValues Read(TpmClient tpm, uint mask) =>
        new(SizeOfSelect, PcrList.Pcrs(mask).Select(pcr => KeyValuePair.Create(pcr, tpm.PcrRead((uint)pcr))));

    private static uint Changed(PcrValues before, PcrValues after) =>
        PcrList.Pcrs(before.Mask).Where(pcr => before.Values[pcr] != after.Values[pcr]).Aggregate(0u, (mask, pcr) => mask | 1u << pcr);
}
