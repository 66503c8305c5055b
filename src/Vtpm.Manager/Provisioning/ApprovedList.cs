using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What a group's authority approves: the platforms on which the group opens, and the kernels that it admits. Signed, it is a
/// <see cref="SignedConfiguration"/>.
/// </summary>
public sealed record ApprovedList
{
    private const string LabelPrefix = "label:";
    private const string ExecutablePrefix = "exe:";

    /// <summary>The one group that it is for; null is every group of the authority, as always in the original's form.</summary>
    public Guid? Group { get; init; }

    /// <summary>Each list of a group has to have a higher one than the last.</summary>
    public required ulong Sequence { get; init; }

    public IReadOnlyList<PlatformConfiguration> Platforms { get; init; } = [];

    public IReadOnlyList<TpmDigest> Kernels { get; init; } = [];

    /// <summary>What the original shows of a list: SHA-1 of the sequence, the composite hashes and the kernels.</summary>
    public TpmDigest ConfigurationHash => WireFormat.Digest(ToConfigList());

    /// <summary>What somebody has signed.</summary>
    public static ApprovedList Of(SignedConfiguration signed)
    {
        ArgumentNullException.ThrowIfNull(signed);
        return new ApprovedList { Group = signed.GroupUuid, Sequence = signed.Sequence, Platforms = signed.Platforms, Kernels = signed.Kernels };
    }

    /// <summary>
    /// Reads what <c>calc.pl</c> takes: <c>MASK=COMPOSITE</c> in hexadecimal for a platform, 40 hex digits for a kernel; and for people
    /// <c>label:TEXT</c> and <c>exe:FILE</c> for kernels.
    /// </summary>
    /// <exception cref="ApprovalException">An argument is none of these; the message says what to write.</exception>
    public static ApprovedList Parse(ulong sequence, IEnumerable<string> arguments)
    {
        var platforms = new List<PlatformConfiguration>();
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
    /// <exception cref="ApprovalException">The key is no authority's; or the list is longer than the form has it.</exception>
    public byte[] Sign(RSA key)
    {
        Check(key);
        return SignedConfiguration.Create(key, Sequence, Platforms, Kernels, Group);
    }

    /// <summary>The file in the original's form, whose signature covers neither the PCR masks nor the group.</summary>
    /// <exception cref="ApprovalException">The key is no authority's; or the list is for one group, or longer than the form has it.</exception>
    public byte[] SignOriginalForm(RSA key)
    {
        Check(key);
        if (Group is not null) throw new ApprovalException("the original's form cannot name a group: leave the group out, or the original's form");
        return SignedConfiguration.CreateOriginal(key, ToConfigList(), [.. Platforms.Select(platform => platform.PcrMask)]);
    }

    private void Check(RSA key)
    {
        AuthorityModulus.Of(key);
        if (Platforms.Count > VtpmConfigList.Limit || Kernels.Count > VtpmConfigList.Limit)
            throw new ApprovalException(
                $"a list has at most {VtpmConfigList.Limit} platforms and as many kernels; take out those that nobody needs any more");
    }

    private VtpmConfigList ToConfigList() => new()
    {
        Sequence = Sequence,
        Platforms = [.. Platforms.Select(platform => platform.DigestRelease)],
        Kernels = [.. Kernels],
    };

    private static PlatformConfiguration ParsePlatform(string argument)
    {
        string[] parts = argument.Split('=');
        if (parts.Length != 2 || !PcrList.TryParseMask(parts[0], out uint mask) || !TryParseDigest(parts[1], out TpmDigest composite))
            throw NoArgument(argument);
        return new PlatformConfiguration(mask, composite);
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
