using System.Security.Cryptography;
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
    private readonly byte[] _signed;
    private readonly byte[] _signature;

    private SignedConfiguration(byte[] signed, byte[] signature) => (_signed, _signature) = (signed, signature);

    /// <summary>Whether the signature covers the platforms' PCRs: it is in our form.</summary>
    public bool CoversPcrs { get; private init; }

    /// <summary>The one group that it is for; null is every group of the authority.</summary>
    public Guid? GroupUuid { get; private init; }

    /// <summary>A group takes a configuration only when its number is higher than that of the one it has.</summary>
    public ulong Sequence { get; private init; }

    public IReadOnlyList<PlatformConfiguration> Platforms { get; private init; } = [];

    public IReadOnlyList<TpmDigest> Kernels { get; private init; } = [];

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
        return [.. signature, .. signed, .. pcrMasks.SelectMany(mask => WireFormat.ToBytes(PcrMask.ToSelection(mask)))];
    }

    /// <summary>Reads either form. What the signature is worth, <see cref="IsSignedBy"/> tells.</summary>
    /// <returns>Null for what is neither, or names PCRs that there are not.</returns>
    public static SignedConfiguration? Read(ReadOnlySpan<byte> file) =>
        file.StartsWith(VtpmApprovedConfiguration.Magic) ? ReadOurs(file) : ReadOriginal(file);

    /// <summary>Whether the authority with this RSA-2048 modulus has signed it.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> modulus) =>
        RsaSignature.Verify(modulus, _signed, _signature, CoversPcrs ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);

    private static VtpmPlatform ToPlatform(PlatformConfiguration platform) =>
        new() { PcrSelection = PcrMask.ToSelection(platform.PcrMask), Composite = platform.DigestRelease };

    private static SignedConfiguration? ReadOurs(ReadOnlySpan<byte> file)
    {
        if (WireFormat.Read(file, out VtpmApprovedConfiguration content) != TpmResult.Success) return null;
        if (ToPlatforms(content.Platforms.Select(platform => (platform.PcrSelection, platform.Composite))) is not { } platforms) return null;
        return new SignedConfiguration(file[..^VtpmApprovedConfiguration.SignatureSize].ToArray(), content.Signature.ToArray())
        {
            CoversPcrs = true,
            GroupUuid = content.GroupUuid == Guid.Empty ? null : content.GroupUuid,
            Sequence = content.Sequence,
            Platforms = platforms,
            Kernels = content.Kernels,
        };
    }

    private static SignedConfiguration? ReadOriginal(ReadOnlySpan<byte> file)
    {
        // The structure of the command: the file behind the index of a group.
        byte[] command = [0, 0, 0, 0, .. file];
        if (WireFormat.Read(command, out VtpmGroupUpdateRequest content) != TpmResult.Success) return null;
        if (ToPlatforms(content.PcrSelections.Zip(content.Config.Platforms)) is not { } platforms) return null;
        return new SignedConfiguration(WireFormat.ToBytes(content.Config), content.Signature.ToArray())
        {
            Sequence = content.Config.Sequence,
            Platforms = platforms,
            Kernels = content.Config.Kernels,
        };
    }

    private static List<PlatformConfiguration>? ToPlatforms(IEnumerable<(TpmPcrSelection Selection, TpmDigest Composite)> read)
    {
        var platforms = new List<PlatformConfiguration>();
        foreach ((TpmPcrSelection selection, TpmDigest composite) in read)
        {
            if (!PcrMask.TryFromSelection(selection, out uint mask)) return null;
            platforms.Add(new PlatformConfiguration(mask, composite));
        }

        return platforms;
    }

    private static void CheckKey(RSA key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.KeySize != ApprovalKey.KeyBits) throw new ArgumentException($"an approval key has {ApprovalKey.KeyBits} bits", nameof(key));
    }
}
