using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>A platform that an authority approves.</summary>
/// <param name="PcrMask">The PCRs that the composite is of, bit n for PCR n; null when a verifier was not told.</param>
/// <param name="Composite">The composite hash of the hardware's PCRs.</param>
public sealed record ApprovedPlatform(uint? PcrMask, TpmDigest Composite)
{
    /// <summary>Reads the form of <c>calc.pl</c> and <c>vtpm approve</c>, <c>0e00ff=COMPOSITE</c>: a mask of 24 bits and the hash, both hexadecimal.</summary>
    /// <exception cref="FormatException">Another form.</exception>
    public static ApprovedPlatform Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('=');
        if (parts.Length == 2 && parts[1].Length == 2 * TpmDigest.Size && parts[1].All(char.IsAsciiHexDigit)
            && uint.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint mask) && mask >> PcrList.Count == 0)
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

    /// <summary>The authority's signature, when it came with one.</summary>
    internal ReadOnlyMemory<byte> Signature { get; init; }

    /// <summary>What the signature covers: the list in the original's form, everything before the signature in ours.</summary>
    internal ReadOnlyMemory<byte> Signed { get; init; }

    internal HashAlgorithmName SignatureHash { get; init; } = HashAlgorithmName.SHA1;

    /// <summary>The list as the manager hashes it into a quote.</summary>
    public VtpmConfigList ToConfigList() =>
        new() { Sequence = Sequence, Platforms = [.. Platforms.Select(platform => platform.Composite)], Kernels = [.. Kernels] };

    /// <summary>Reads the file that an authority signs and GROUP_UPDATE takes: in our form, or in the original's (docs/manager-protocol.md, §4).</summary>
    /// <exception cref="DeepQuoteFormatException">It is neither.</exception>
    public static ApprovedConfiguration Parse(ReadOnlySpan<byte> file) =>
        file.StartsWith(VtpmApprovedConfiguration.Magic) ? ParseOurs(file) : ParseOriginal(file);

    private static ApprovedConfiguration ParseOurs(ReadOnlySpan<byte> file)
    {
        if (WireFormat.Read(file, out VtpmApprovedConfiguration approved) != TpmResult.Success) throw Malformed();
        return new ApprovedConfiguration
        {
            Sequence = approved.Sequence,
            Platforms = [.. approved.Platforms.Select(platform => new ApprovedPlatform(MaskOf(platform.PcrSelection), platform.Composite))],
            Kernels = approved.Kernels,
            Signature = approved.Signature.ToArray(),
            Signed = file[..^VtpmApprovedConfiguration.SignatureSize].ToArray(),
            SignatureHash = HashAlgorithmName.SHA256,
        };
    }

    /// <summary>The PCRs of its platforms are outside the signature, and need not be in it here: each is part of what its composite hash is over.</summary>
    private static ApprovedConfiguration ParseOriginal(ReadOnlySpan<byte> file)
    {
        // The parameters of GROUP_UPDATE without the group.
        if (WireFormat.Read([0, 0, 0, 0, .. file], out VtpmGroupUpdateRequest update) != TpmResult.Success) throw Malformed();
        return new ApprovedConfiguration
        {
            Sequence = update.Config.Sequence,
            Platforms = [.. update.Config.Platforms.Zip(update.PcrSelections, (composite, selection) => new ApprovedPlatform(MaskOf(selection), composite))],
            Kernels = update.Config.Kernels,
            Signature = update.Signature.ToArray(),
            Signed = WireFormat.ToBytes(update.Config),
        };
    }

    private static DeepQuoteFormatException Malformed() => new("it is no signed configuration, as vtpm approve and calc.pl write it");

    private static uint MaskOf(TpmPcrSelection selection)
    {
        ReadOnlySpan<byte> select = selection.PcrSelect.Span;
        if (select.Length > PcrValues.MaxSizeOfSelect)
            throw new DeepQuoteFormatException($"a platform's selection has {select.Length} bytes; {PcrValues.MaxSizeOfSelect} are the most");
        Span<byte> mask = stackalloc byte[sizeof(uint)];
        mask.Clear();
        select.CopyTo(mask);
        return BinaryPrimitives.ReadUInt32LittleEndian(mask);
    }
}
