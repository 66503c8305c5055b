using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Attestation;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// The file that a group's authority makes and GROUP_UPDATE takes: the platforms that may open the group, and the kernels that it admits. In one of
/// two forms (docs/manager-protocol.md §4): ours, all of it under the signature, and the original's, whose signature does not cover which PCRs the
/// platforms are made of.
/// </summary>
public sealed class SignedConfiguration
{
    private readonly ApprovedConfiguration _approved;

    private SignedConfiguration(ApprovedConfiguration approved)
    {
        _approved = approved;
        Platforms = [.. approved.Platforms.Select(platform => new PlatformConfiguration(platform.PcrMask!.Value, platform.Composite))];
    }

    /// <summary>Whether the signature covers the platforms' PCRs: it is in our form.</summary>
    public bool CoversPcrs => _approved.CoversPcrs;

    /// <summary>The one group that it is for; null is every group of the authority.</summary>
    public Guid? GroupUuid => _approved.GroupUuid;

    /// <summary>A group takes a configuration only when its number is higher than that of the one it has.</summary>
    public ulong Sequence => _approved.Sequence;

    public IReadOnlyList<PlatformConfiguration> Platforms { get; }

    public IReadOnlyList<TpmDigest> Kernels => _approved.Kernels;

    /// <summary>A file in our form.</summary>
    /// <param name="key">The authority's.</param>
    /// <param name="sequence">Higher than that of the group's present configuration.</param>
    /// <param name="platforms">Which PCRs, and the composite hash that they are to have.</param>
    /// <param name="kernels">Kernel hashes.</param>
    /// <param name="group">The one group that it is for; null is every group of the authority.</param>
    /// <exception cref="ArgumentException">The key is not RSA-2048 with exponent 65537, or a list is longer than the form has it.</exception>
    public static byte[] Create(
        RSA key, ulong sequence, IReadOnlyList<PlatformConfiguration> platforms, IReadOnlyList<TpmDigest> kernels, Guid? group = null)
    {
        ArgumentNullException.ThrowIfNull(platforms);
        ArgumentNullException.ThrowIfNull(kernels);
        CheckKey(key);
        byte[] file = WireFormat.ToBytes(new VtpmApprovedConfiguration
        {
            GroupUuid = group ?? Guid.Empty,
            Sequence = sequence,
            Platforms = [.. platforms.Select(ToPlatform)],
            Kernels = [.. kernels],
        });
        Span<byte> signature = file.AsSpan(file.Length - VtpmApprovedConfiguration.SignatureSize);
        key.SignData(file.AsSpan(0, file.Length - signature.Length), signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return file;
    }

    /// <summary>A file in the original's form, as <c>calc.pl</c> writes it, for managers that know no other.</summary>
    /// <exception cref="ArgumentException">The key is not RSA-2048 with exponent 65537, or there is not one mask for each platform.</exception>
    public static byte[] CreateOriginal(RSA key, VtpmConfigList config, IReadOnlyList<uint> pcrMasks)
    {
        ArgumentNullException.ThrowIfNull(pcrMasks);
        CheckKey(key);
        if (pcrMasks.Count != config.Platforms.Length) throw new ArgumentException("one mask for each platform is needed", nameof(pcrMasks));
        byte[] signed = WireFormat.ToBytes(config);
        byte[] signature = key.SignData(signed, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        return [.. signature, .. signed, .. pcrMasks.SelectMany(mask => WireFormat.ToBytes(PcrList.ToSelection(mask)))];
    }

    /// <summary>Reads either form. What the signature is worth, <see cref="IsSignedBy"/> tells.</summary>
    /// <returns>Null for what is neither, or names PCRs that there are not.</returns>
    public static SignedConfiguration? Read(ReadOnlySpan<byte> file) =>
        ApprovedConfiguration.TryParse(file, out ApprovedConfiguration? approved) ? new SignedConfiguration(approved) : null;

    /// <summary>Whether the authority with this RSA-2048 modulus has signed it.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> modulus) => _approved.IsSignedBy(modulus);

    private static VtpmPlatform ToPlatform(PlatformConfiguration platform) =>
        new() { PcrSelection = PcrList.ToSelection(platform.PcrMask), Composite = platform.DigestRelease };

    private static void CheckKey(RSA key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize != ApprovalKey.KeyBits) throw new ArgumentException($"an approval key has {ApprovalKey.KeyBits} bits", nameof(key));
    }
}
