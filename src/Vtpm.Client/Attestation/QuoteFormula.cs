using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>
/// What the hardware TPM signs when a vTPM or its manager asks for a quote: the manager makes it, and a verifier makes it again.
/// docs/deep-quotes.md draws the bytes.
/// </summary>
public static class QuoteFormula
{
    /// <summary>Everything that can be said about a vTPM.</summary>
    public const VtpmQuoteFlags AllFlags =
        VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.VtpmMeasurements | VtpmQuoteFlags.GroupInfo | VtpmQuoteFlags.GroupPubkey;

    /// <summary>What VTPM_QUOTE_FLAGS_HASH_UUID adds: SHA-1 of the uuid's 16 bytes.</summary>
    public static TpmDigest HashUuid(Guid uuid) => TpmDigest.Of(uuid.ToByteArray(bigEndian: true));

    /// <summary>What VTPM_QUOTE_FLAGS_VTPM_MEASUREMENTS adds: SHA-1 of the kernel hash, which is one itself.</summary>
    public static TpmDigest HashMeasurements(TpmDigest kernelHash) => TpmDigest.Of(kernelHash.ReadOnlySpan);

    /// <summary>What VTPM_QUOTE_FLAGS_GROUP_INFO adds: SHA-1 of the authority's modulus and the configuration that it has signed.</summary>
    public static TpmDigest HashGroupInfo(ReadOnlySpan<byte> saaModulus, VtpmConfigList config) =>
        TpmDigest.Of([.. saaModulus, .. WireFormat.ToBytes(config)]);

    /// <summary>What VTPM_QUOTE_FLAGS_GROUP_PUBKEY adds: SHA-1 of the authority's modulus.</summary>
    public static TpmDigest HashAuthority(ReadOnlySpan<byte> saaModulus) => TpmDigest.Of(saaModulus);

    /// <summary>What a vTPM's TPM_ParentSignEK asks the hardware to quote: the checksum that TPM_ReadPubek answers.</summary>
    public static TpmDigest EndorsementKeyDigest(TpmPubKey endorsementKey, TpmNonce nonce) =>
        TpmDigest.Of([.. WireFormat.ToBytes(endorsementKey), .. nonce.ReadOnlySpan]);

    /// <summary>
    /// The externalData of the hardware's TPM_Quote: SHA-1 over the flags, little-endian as the original's host has them, what is to be quoted, and
    /// the hashes, a hash for each flag, the lowest first.
    /// </summary>
    public static TpmDigest ExternalData(VtpmQuoteFlags flags, TpmDigest quoted, ReadOnlySpan<byte> hashes)
    {
        Span<byte> littleEndian = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(littleEndian, (uint)flags);
        return TpmDigest.Of([.. littleEndian, .. quoted.ReadOnlySpan, .. hashes]);
    }

    /// <summary>Whether a TPM_Quote of those PCRs (by their composite hash) with that externalData was signed by the identity key.</summary>
    public static bool Verify(ReadOnlySpan<byte> aikModulus, TpmDigest composite, TpmDigest externalData, ReadOnlySpan<byte> signature) => Rsa2048.Verify(
        aikModulus,
        WireFormat.ToBytes(new TpmQuoteInfo { DigestValue = composite, ExternalData = new TpmNonce(externalData.ReadOnlySpan) }),
        signature,
        HashAlgorithmName.SHA1);
}
