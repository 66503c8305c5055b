using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What a group's authority approves: the platforms on which the group opens, and the kernels that it admits. Signed, it is the file that GROUP_UPDATE
/// takes, in our form or in that of the original's <c>calc.pl</c> (docs/manager-protocol.md §4).
/// </summary>
public sealed record ApprovedList
{
    private const string LabelPrefix = "label:";
    private const string ExecutablePrefix = "exe:";

    /// <summary>The one group that it is for; zeroes are every group of the authority, as always in the original's form.</summary>
    public Guid Group { get; init; }

    /// <summary>Each list of a group has to have a higher one than the last.</summary>
    public required ulong Sequence { get; init; }

    public IReadOnlyList<VtpmPlatform> Platforms { get; init; } = [];

    public IReadOnlyList<TpmDigest> Kernels { get; init; } = [];

    /// <summary>What the original shows of a list: SHA-1 of the sequence, the composite hashes and the kernels.</summary>
    public TpmDigest ConfigurationHash => WireFormat.Digest(ToConfigList());

    /// <summary>
    /// Reads what <c>calc.pl</c> takes: <c>MASK=COMPOSITE</c> in hexadecimal for a platform, 40 hex digits for a kernel; and for people <c>label:TEXT</c>
    /// and <c>exe:FILE</c> for kernels.
    /// </summary>
    /// <exception cref="ApprovalException">An argument is none of these; the message says what to write.</exception>
    public static ApprovedList Parse(ulong sequence, IEnumerable<string> arguments)
    {
        var platforms = new List<VtpmPlatform>();
        var kernels = new List<TpmDigest>();
        foreach (string argument in arguments)
        {
            if (argument.StartsWith(LabelPrefix, StringComparison.Ordinal)) kernels.Add(TpmDigest.Of(Encoding.UTF8.GetBytes(argument[LabelPrefix.Length..])));
            else if (argument.StartsWith(ExecutablePrefix, StringComparison.Ordinal)) kernels.Add(Measure(argument[ExecutablePrefix.Length..]));
            else if (argument.Contains('=', StringComparison.Ordinal)) platforms.Add(ParsePlatform(argument));
            else if (TryParseDigest(argument, out TpmDigest kernel)) kernels.Add(kernel);
            else throw NoArgument(argument);
        }

        return new ApprovedList { Sequence = sequence, Platforms = platforms, Kernels = kernels };
    }

    /// <summary>The file in our form: the signature covers all of it.</summary>
    /// <exception cref="ApprovalException">The key is no authority's.</exception>
    public byte[] Sign(RSA key)
    {
        AuthorityModulus.Of(key);
        var file = new VtpmApprovedConfiguration
        {
            GroupUuid = Group,
            Sequence = Sequence,
            Platforms = [.. Platforms],
            Kernels = [.. Kernels],
            Signature = new byte[VtpmApprovedConfiguration.SignatureSize],
        };
        byte[] signed = WireFormat.ToBytes(file)[..^VtpmApprovedConfiguration.SignatureSize];
        return [.. signed, .. key.SignData(signed, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)];
    }

    /// <summary>The file in the original's form, whose signature covers neither the PCR masks nor the group.</summary>
    /// <exception cref="ApprovalException">The key is no authority's; or the list is for one group.</exception>
    public byte[] SignOriginalForm(RSA key)
    {
        AuthorityModulus.Of(key);
        if (Group != Guid.Empty) throw new ApprovalException("the original's form cannot name a group: leave the group out, or the original's form");
        byte[] signed = WireFormat.ToBytes(ToConfigList());
        byte[] signature = key.SignData(signed, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        return [.. signature, .. signed, .. Platforms.SelectMany(platform => WireFormat.ToBytes(platform.PcrSelection))];
    }

    private VtpmConfigList ToConfigList() => new()
    {
        Sequence = Sequence,
        Platforms = [.. Platforms.Select(platform => platform.Composite)],
        Kernels = [.. Kernels],
    };

    private static VtpmPlatform ParsePlatform(string argument)
    {
        string[] parts = argument.Split('=');
        if (parts.Length != 2 || !PcrText.TryParseMask(parts[0], out uint mask) || !TryParseDigest(parts[1], out TpmDigest composite))
            throw NoArgument(argument);
        return new VtpmPlatform { PcrSelection = PcrMask.ToSelection(mask), Composite = composite };
    }

    private static bool TryParseDigest(string text, out TpmDigest digest)
    {
        digest = default;
        if (text.Length != 2 * TpmDigest.Size || !text.All(char.IsAsciiHexDigit)) return false;
        digest = new TpmDigest(Convert.FromHexString(text));
        return true;
    }

    private static TpmDigest Measure(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return new TpmDigest(SHA1.HashData(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ApprovalException($"{ExecutablePrefix}{path}: the file cannot be read: {e.Message}", e);
        }
    }

    private static ApprovalException NoArgument(string argument) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"'{argument}' is neither a platform (MASK=COMPOSITE: up to 6 and {2 * TpmDigest.Size} hex digits, as 'vtpm approve composite' prints them) nor a kernel ({2 * TpmDigest.Size} hex digits, {LabelPrefix}TEXT or {ExecutablePrefix}FILE)"));
}
