using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Client.Attestation;
using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>The policy of <c>vtpm verify</c>: a file, options, or both; but each expectation in one place, so that none is weakened unseen.</summary>
internal sealed class VerifyArguments
{
    private readonly Option<string> _policy = new("--policy") { Description = "A file of expectations; its form is in docs/deep-quotes.md.", HelpName = "FILE" };
    private readonly Option<string> _nonce = new("--nonce") { Description = "The nonce that the evidence was asked for with, 40 hexadecimal digits.", HelpName = "HEX" };
    private readonly Option<string> _aik = new("--aik") { Description = "The group's identity key: aik.pub of group-add, or PEM.", HelpName = "FILE" };
    private readonly Option<string> _binding = new("--aik-binding") { Description = "The identity key's own signature: aik.priv-ca-data of group-add.", HelpName = "FILE" };
    private readonly Option<string> _labelDigest = new("--aik-label-digest") { Description = "The label digest that the identity key was made for; zeroes without it.", HelpName = "HEX" };
    private readonly Option<string> _authority = new("--authority") { Description = "The key of the group's authority: its 256 bytes of modulus, or PEM.", HelpName = "FILE" };
    private readonly Option<string> _approved = new("--approved") { Description = "The configuration that the authority has signed; needs --authority.", HelpName = "FILE" };
    private readonly Option<string[]> _platform = Many("--platform", "A platform that is approved, MASK=COMPOSITE as for vtpm approve.", "PLATFORM");
    private readonly Option<string[]> _kernel = Many("--kernel", "A kernel hash that the vTPM may have.", "HEX");
    private readonly Option<string[]> _label = Many("--label", "A label that the vTPM may have, whose SHA-1 the group's configuration lists.", "LABEL");
    private readonly Option<string> _uuid = new("--uuid") { Description = "The vTPM's uuid.", HelpName = "UUID" };
    private readonly Option<string[]> _pcr = Many("--expect-pcr", "A value that a PCR of the guest may have, PCR=HEX.", "PCR=HEX");
    private readonly Option<string[]> _hardwarePcr = Many("--expect-hw-pcr", "A value that a PCR of the hardware may have, PCR=HEX.", "PCR=HEX");
    private readonly Option<int?> _locality = new("--locality") { Description = "The locality at which the guest's TPM was asked.", HelpName = "N" };
    private readonly Option<string> _ek = new("--expect-ek") { Description = "The SHA-256 of the vTPM's endorsement key (its modulus), as vtpm status shows it.", HelpName = "HEX" };

    public static TpmNonce ParseNonce(string text, bool mayBeRandom = false)
    {
        if (mayBeRandom && text == "random") return new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
        return new TpmNonce(Hex("--nonce", text, TpmNonce.Size, mayBeRandom ? ", or random" : ""));
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_policy, _nonce, _aik, _binding, _labelDigest, _authority, _approved, _platform, _kernel, _label, _uuid, _pcr, _hardwarePcr, _locality, _ek])
            command.Options.Add(option);
    }

    public DeepQuotePolicy Parse(ParseResult result)
    {
        DeepQuotePolicy policy = ParseUnchecked(result);
        try
        {
            policy.Validate();
            return policy;
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"{e.Message} (see vtpm verify --help)");
        }
    }

    private DeepQuotePolicy ParseUnchecked(ParseResult result)
    {
        DeepQuotePolicy policy = result.GetValue(_policy) is { } file ? ReadPolicy(file) : new DeepQuotePolicy();
        if (Text(_nonce) is { } nonce) policy = policy with { Nonce = ParseNonce(nonce) };
        if (Text(_aik, !policy.Aik.IsEmpty) is { } aik) policy = policy with { Aik = From(_aik, aik, bytes => PublicKeyFile.Parse(bytes)) };
        if (Text(_binding, policy.Binding is not null) is { } binding) policy = policy with { Binding = new IdentityBinding(From(_binding, binding, bytes => bytes), default) };
        if (Text(_labelDigest, result.GetValue(_binding) is null) is { } digest) policy = policy with { Binding = policy.Binding! with { LabelDigest = Digest(_labelDigest, digest) } };
        if (Text(_authority, !policy.Authority.IsEmpty) is { } authority) policy = policy with { Authority = From(_authority, authority, bytes => PublicKeyFile.Parse(bytes)) };
        if (Text(_approved, policy.Configuration is not null) is { } approved)
            policy = policy with { Configuration = From(_approved, approved, bytes => ApprovedConfiguration.Parse(bytes)) };
        if (Texts(_platform, policy.Platforms.Count > 0) is { Length: > 0 } platforms) policy = policy with { Platforms = [.. platforms.Select(ParsePlatform)] };
        TpmDigest[] kernels =
        [
            .. Texts(_kernel, policy.Kernels.Count > 0).Select(kernel => Digest(_kernel, kernel)),
            .. Texts(_label, policy.Kernels.Count > 0).Select(DeepQuotePolicy.KernelOf),
        ];
        if (kernels.Length > 0) policy = policy with { Kernels = kernels };
        if (Text(_uuid, policy.Uuid is not null) is { } uuid) policy = policy with { Uuid = ParseUuid(uuid) };
        if (Texts(_pcr, policy.VirtualPcrs.Count > 0) is { Length: > 0 } pcrs) policy = policy with { VirtualPcrs = ParsePcrs(_pcr, pcrs) };
        if (Texts(_hardwarePcr, policy.HardwarePcrs.Count > 0) is { Length: > 0 } hardware) policy = policy with { HardwarePcrs = ParsePcrs(_hardwarePcr, hardware) };
        if (result.GetValue(_locality) is { } locality) policy = policy with { Locality = Once(_locality, locality, policy.Locality is not null) };
        if (Text(_ek, !policy.EndorsementKeySha256.IsEmpty) is { } ek) policy = policy with { EndorsementKeySha256 = Hex(_ek.Name, ek, 32) };
        return policy;

        string? Text(Option<string> option, bool isTaken = false) => result.GetValue(option) is { } text ? Once(option, text, isTaken) : null;
        string[] Texts(Option<string[]> option, bool isTaken) => result.GetValue(option) is { Length: > 0 } texts ? Once(option, texts, isTaken) : [];
    }

    private static Option<string[]> Many(string name, string description, string helpName) =>
        new(name) { Description = description + " May be given several times: one of them it must be.", HelpName = helpName };

    private static T Once<T>(Option option, T value, bool isTaken) => !isTaken
        ? value
        : throw new UsageException(option.Name == "--aik-label-digest"
            ? "--aik-label-digest goes with --aik-binding; of a policy's binding it is in the policy"
            : $"{option.Name}: the policy has such an expectation already; state it in one place");

    private static DeepQuotePolicy ReadPolicy(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            return DeepQuotePolicyFile.Parse(ReadFile(path), name => ReadFile(Path.Combine(folder, name)));
        }
        catch (DeepQuoteFormatException e)
        {
            throw new UsageException($"--policy {path}: {e.Message}");
        }
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > DeepQuotePolicyFile.MaxFileSize) throw new UsageException($"{path}: {file.Length} bytes are too many");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path} cannot be read: {e.Message}");
        }
    }

    private static T From<T>(Option option, string path, Func<byte[], T> parse)
    {
        try
        {
            return parse(ReadFile(path));
        }
        catch (DeepQuoteFormatException e)
        {
            throw new UsageException($"{option.Name} {path}: {e.Message}");
        }
    }

    private static ApprovedPlatform ParsePlatform(string text)
    {
        try
        {
            return ApprovedPlatform.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException($"--platform: {e.Message}");
        }
    }

    private static Guid ParseUuid(string text) => Guid.TryParseExact(text, "D", out Guid uuid) ? uuid : throw new UsageException($"--uuid: '{text}' is not a uuid");

    private static Dictionary<int, IReadOnlyList<TpmDigest>> ParsePcrs(Option option, string[] texts)
    {
        var pcrs = new Dictionary<int, IReadOnlyList<TpmDigest>>();
        foreach (string text in texts)
        {
            string[] parts = text.Split('=');
            if (parts.Length != 2 || !int.TryParse(parts[0], out int pcr) || pcr is < 0 or >= PcrList.Count)
                throw new UsageException($"{option.Name}: '{text}' is not a PCR from 0 to {PcrList.Count - 1}, = and its value");
            TpmDigest value = Digest(option, parts[1]);
            pcrs[pcr] = pcrs.TryGetValue(pcr, out IReadOnlyList<TpmDigest>? others) ? [.. others, value] : [value];
        }

        return pcrs;
    }

    private static TpmDigest Digest(Option option, string text) => new(Hex(option.Name, text, TpmDigest.Size));

    private static byte[] Hex(string option, string text, int size, string otherwise = "") =>
        text.Length == 2 * size && text.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new UsageException($"{option}: '{text}' is not {2 * size} hexadecimal digits{otherwise}");
}
