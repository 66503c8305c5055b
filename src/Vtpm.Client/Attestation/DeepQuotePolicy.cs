using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>
/// What a verifier knows and expects; all of it public. What is stated has to be shown by the evidence; what is not is not checked.
/// </summary>
public sealed record DeepQuotePolicy
{
    /// <summary>The hardware TPM's identity key of the group: 256 bytes of modulus. Nothing is verified without it.</summary>
    public ReadOnlyMemory<byte> Aik { get; init; }

    /// <summary>The identity key's own signature.</summary>
    public IdentityBinding? Binding { get; init; }

    /// <summary>The nonce that the evidence was asked for with.</summary>
    public TpmNonce? Nonce { get; init; }

    /// <summary>The group's authority (SAA): 256 bytes of modulus; empty when nothing is expected.</summary>
    public ReadOnlyMemory<byte> Authority { get; init; }

    /// <summary>What the authority has approved; goes with <see cref="Authority"/>.</summary>
    public ApprovedConfiguration? Configuration { get; init; }

    /// <summary>Platforms, one of which the hardware's PCRs have to show; when empty, those of the configuration.</summary>
    public IReadOnlyList<ApprovedPlatform> Platforms { get; init; } = [];

    /// <summary>Kernel hashes, one of which has to be the vTPM's; when empty, those of the configuration.</summary>
    public IReadOnlyList<TpmDigest> Kernels { get; init; } = [];

    public Guid? Uuid { get; init; }

    /// <summary>Values that a PCR of the hardware may have.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<TpmDigest>> HardwarePcrs { get; init; } = NoPcrs;

    /// <summary>Values that a PCR of the vTPM may have.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<TpmDigest>> VirtualPcrs { get; init; } = NoPcrs;

    /// <summary>The locality that the vTPM was asked at, 0 to 7.</summary>
    public int? Locality { get; init; }

    /// <summary>Expects evidence of an endorsement key, whose modulus has this SHA-256 (32 bytes); empty when none is expected.</summary>
    public ReadOnlyMemory<byte> EndorsementKeySha256 { get; init; }

    internal static IReadOnlyDictionary<int, IReadOnlyList<TpmDigest>> NoPcrs { get; } = new Dictionary<int, IReadOnlyList<TpmDigest>>();

    /// <summary>The hash of a vTPM's label, as a group's configuration lists it.</summary>
    public static TpmDigest KernelOf(string label) => TpmDigest.Of(System.Text.Encoding.UTF8.GetBytes(label));

    /// <summary>What every verification begins with.</summary>
    /// <exception cref="ArgumentException">It contradicts itself; the message says how.</exception>
    public void Validate()
    {
        if (Aik.IsEmpty) throw new ArgumentException("the identity key is needed: nothing else makes anything in the evidence believable");
        if (!Rsa2048.IsModulus(Aik.Span)) throw new ArgumentException("the identity key is no modulus of 2048 bits");
        if (!Authority.IsEmpty && !Rsa2048.IsModulus(Authority.Span)) throw new ArgumentException("the authority is no modulus of 2048 bits");
        if (Configuration is not null && Authority.IsEmpty)
            throw new ArgumentException("a configuration is somebody's: the authority's key is needed with it");
        if (Locality is < 0 or > 7) throw new ArgumentException("a locality that can be expected is one of 0 to 7");
        if (EndorsementKeySha256.Length is not (0 or 32)) throw new ArgumentException("a SHA-256 has 32 bytes");
        if (HardwarePcrs.Concat(VirtualPcrs).Any(pcr => pcr.Key is < 0 or >= PcrList.Count || pcr.Value.Count == 0))
            throw new ArgumentException($"an expected PCR is one of 0 to {PcrList.Count - 1}, with a value at least");
    }
}
