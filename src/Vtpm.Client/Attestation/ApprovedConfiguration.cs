using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>A platform that an authority approves.</summary>
/// <param name="PcrMask">The PCRs that the composite is of, bit n for PCR n; null when a verifier was not told.</param>
/// <param name="Composite">The composite hash of the hardware's PCRs.</param>
public sealed record ApprovedPlatform(uint? PcrMask, TpmDigest Composite)
{
    /// <summary>
    /// Reads the form of <c>calc.pl</c> and <c>vtpm approve</c>, <c>0e00ff=COMPOSITE</c>: a mask of 24 bits and the hash, both hexadecimal.
    /// </summary>
    /// <exception cref="FormatException">Another form.</exception>
    public static ApprovedPlatform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('=');
        if (parts.Length == 2 && parts[1].Length == 2 * TpmDigest.Size && parts[1].All(char.IsAsciiHexDigit)
            && PcrList.TryParseMask(parts[0], out uint mask))
            return new ApprovedPlatform(mask, new TpmDigest(Convert.FromHexString(parts[1])));
        throw new FormatException(
            $"'{text}' is no platform: write MASK=COMPOSITE in hexadecimal, such as 0e00ff=0593ecb564f532df6ef2f4d7272489da52c4c840 for PCRs 0-7,17-19");
    }
}

/// <summary>What a group's authority has approved: the platforms that may open the group, and the vTPM software that it admits.</summary>
public sealed record ApprovedConfiguration
{
    public required ulong Sequence { get; init; }

    public required IReadOnlyList<ApprovedPlatform> Platforms { get; init; }

    public required IReadOnlyList<TpmDigest> Kernels { get; init; }

    /// <summary>The one group that it is for; null is every group of the authority.</summary>
    public Guid? GroupUuid { get; private init; }

    /// <summary>Whether the signature covers the platforms' PCRs: it is in our form.</summary>
    public bool CoversPcrs { get; private init; }

    /// <summary>The authority's signature, when it came with one.</summary>
    internal ReadOnlyMemory<byte> Signature { get; init; }

    /// <summary>What the signature covers: the list in the original's form, everything before the signature in ours.</summary>
    private ReadOnlyMemory<byte> Signed { get; init; }

    /// <summary>The list as the manager hashes it into a quote.</summary>
    public VtpmConfigList ToConfigList() =>
        new() { Sequence = Sequence, Platforms = [.. Platforms.Select(platform => platform.Composite)], Kernels = [.. Kernels] };

    /// <summary>Whether the authority with that modulus has signed it.</summary>
    public bool IsSignedBy(ReadOnlySpan<byte> modulus) =>
        Rsa2048.Verify(modulus, Signed.Span, Signature.Span, CoversPcrs ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);

    /// <summary>
    /// Reads the file that an authority signs and GROUP_UPDATE takes: in our form, or in the original's (docs/manager-protocol.md, §4).
    /// </summary>
    /// <exception cref="DeepQuoteFormatException">It is neither, or names PCRs that there are not.</exception>
    public static ApprovedConfiguration Parse(ReadOnlySpan<byte> file) => TryParse(file, out ApprovedConfiguration? configuration)
        ? configuration
        : throw new DeepQuoteFormatException("it is no signed configuration, as vtpm approve and calc.pl write it");

    /// <summary>Reads the same. What the signature is worth, <see cref="IsSignedBy"/> tells; each of its platforms has a mask.</summary>
    public static bool TryParse(ReadOnlySpan<byte> file, [NotNullWhen(true)] out ApprovedConfiguration? configuration)
    {
        configuration = file.StartsWith(VtpmApprovedConfiguration.Magic) ? ReadOurs(file) : ReadOriginal(file);
        return configuration is not null;
    }

    private static ApprovedConfiguration? ReadOurs(ReadOnlySpan<byte> file)
    {
        if (WireFormat.Read(file, out VtpmApprovedConfiguration approved) != TpmResult.Success) return null;
        if (ToPlatforms(approved.Platforms.Select(platform => (platform.PcrSelection, platform.Composite))) is not { } platforms) return null;
        return new ApprovedConfiguration
        {
            GroupUuid = approved.GroupUuid == Guid.Empty ? null : approved.GroupUuid,
            CoversPcrs = true,
            Sequence = approved.Sequence,
            Platforms = platforms,
            Kernels = approved.Kernels,
            Signature = approved.Signature.ToArray(),
            Signed = file[..^VtpmApprovedConfiguration.SignatureSize].ToArray(),
        };
    }

    private static ApprovedConfiguration? ReadOriginal(ReadOnlySpan<byte> file)
    {
        // The parameters of GROUP_UPDATE: the file behind the index of a group.
        if (WireFormat.Read([0, 0, 0, 0, .. file], out VtpmGroupUpdateRequest update) != TpmResult.Success) return null;
        if (ToPlatforms(update.PcrSelections.Zip(update.Config.Platforms)) is not { } platforms) return null;
        return new ApprovedConfiguration
        {
            Sequence = update.Config.Sequence,
            Platforms = platforms,
            Kernels = update.Config.Kernels,
            Signature = update.Signature.ToArray(),
            Signed = WireFormat.ToBytes(update.Config),
        };
    }

    private static List<ApprovedPlatform>? ToPlatforms(IEnumerable<(TpmPcrSelection Selection, TpmDigest Composite)> read)
    {
        var platforms = new List<ApprovedPlatform>();
        foreach ((TpmPcrSelection selection, TpmDigest composite) in read)
        {
            if (!PcrList.TryFromSelection(selection, out uint mask)) return null;
            platforms.Add(new ApprovedPlatform(mask, composite));
        }

        return platforms;
    }
}
