using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>What the manager found when it set up the hardware TPM.</summary>
public sealed record HardwareSummary
{
    /// <summary>
    /// What <c>tpm_version</c> calls the chip version, such as <c>1.2.0.7</c>; of a TPM 2.0 <c>2.0</c> and its firmware's, such as <c>2.0.1.258</c>.
    /// </summary>
    public required string ChipVersion { get; init; }

    /// <summary>0x0102 or 0x0200.</summary>
    public ushort Family { get; init; } = VtpmManagerPlatformResponse.Tpm12;

    /// <summary>The bank of PCRs that is sealed to, as a TPM_ALG_ID.</summary>
    public ushort PcrBank { get; init; } = 0x0004;

    public required int SpecLevel { get; init; }

    /// <summary>Of a TPM 2.0 the revision of the specification: 138 for 1.38.</summary>
    public required int ErrataRevision { get; init; }

    /// <summary>Four letters, or their hex digits where they are none.</summary>
    public required string Vendor { get; init; }

    /// <summary>The PCRs in their order, as they were at the start; none for a TPM 2.0 that has no SHA-1 of them.</summary>
    public required IReadOnlyList<TpmDigest> Pcrs { get; init; }

    /// <summary>Whether it was the manager, just now, who took ownership.</summary>
    public required bool TookOwnership { get; init; }

    /// <summary>The modulus of the endorsement key; empty when the owner's authorization did not read it.</summary>
    public required ReadOnlyMemory<byte> EndorsementKey { get; init; }

    /// <summary>SHA-256 of the endorsement key's modulus, in hex; null when it could not be read.</summary>
    public string? EndorsementKeySha256 => EndorsementKey.IsEmpty ? null : Convert.ToHexStringLower(SHA256.HashData(EndorsementKey.Span));

    /// <summary>SHA-1 of the endorsement key's modulus, in hex; null when it could not be read.</summary>
    public string? EndorsementKeySha1 => EndorsementKey.IsEmpty ? null : Convert.ToHexStringLower(SHA1.HashData(EndorsementKey.Span));
}
