using System.CommandLine;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Attestation;
using Vtpm.Wire;
using Registers = System.Collections.Generic.IReadOnlyDictionary<int, System.Collections.Generic.IReadOnlyList<Vtpm.Wire.TpmDigest>>;

namespace Vtpm.Cli;

/// <summary>The policy of <c>vtpm verify</c>: a file, options, or both; but each expectation in one place, so that none is weakened unseen.</summary>
internal sealed class VerifyArguments
{
    private readonly Option<string> _policy = One("--policy", "A file of expectations; its form is in docs/deep-quotes.md.", "FILE");
    private readonly Option<string> _nonce = One("--nonce", "The nonce that the evidence was asked for with, 40 hexadecimal digits.", "HEX");
    private readonly Option<string> _aik = One("--aik", "The group's identity key: aik.pub of group-add, or PEM.", "FILE");
    private readonly Option<string> _binding = One("--aik-binding", "The identity key's own signature: aik.priv-ca-data of group-add.", "FILE");
    private readonly Option<string> _labelDigest =
        One("--aik-label-digest", "The label digest that the identity key was made for; zeroes without it.", "HEX");
    private readonly Option<string> _authority = One("--authority", "The key of the group's authority: its 256 bytes of modulus, or PEM.", "FILE");
    private readonly Option<string> _approved = One("--approved", "The configuration that the authority has signed; needs --authority.", "FILE");
    private readonly Option<string[]> _platform = Many("--platform", "A platform that is approved, MASK=COMPOSITE as for vtpm approve.", "PLATFORM");
    private readonly Option<string[]> _kernel = Many("--kernel", "A kernel hash that the vTPM may have.", "HEX");
    private readonly Option<string[]> _label = Many("--label", "A label that the vTPM may have, whose SHA-1 the group's list has.", "LABEL");
    private readonly Option<string> _uuid = One("--uuid", "The vTPM's uuid.", "UUID");
    private readonly Option<string[]> _pcr = Many("--expect-pcr", "A value that a PCR of the guest may have, PCR=HEX.", "PCR=HEX");
    private readonly Option<string[]> _hardwarePcr = Many("--expect-hw-pcr", "A value that a PCR of the hardware may have, PCR=HEX.", "PCR=HEX");
    private readonly Option<int?> _locality = new("--locality") { Description = "The locality at which the guest's TPM was asked.", HelpName = "N" };
    private readonly Option<string> _ek = One("--expect-ek", "SHA-256 of the vTPM's endorsement key (its modulus), as vtpm status shows it.", "HEX");

    public static TpmNonce ParseNonce(string text, bool mayBeRandom = false)
    {
        if (mayBeRandom && text == "random") return new TpmNonce(RandomNumberGenerator.GetBytes(TpmNonce.Size));
        return new TpmNonce(Hex("--nonce", text, TpmNonce.Size, mayBeRandom ? ", or random" : ""));
    }

    public void AddTo(Command command)
    {
        Option[] options =
        [
            _policy, _nonce, _aik, _binding, _labelDigest, _authority, _approved, _platform, _kernel, _label, _uuid, _pcr, _hardwarePcr, _locality, _ek,
        ];
        foreach (Option option in options) command.Options.Add(option);
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
        TpmDigest[] kernels = [.. Texts(_kernel).Select(kernel => Digest(_kernel, kernel)), .. Texts(_label).Select(DeepQuotePolicy.KernelOf)];
        return policy with
        {
            Nonce = Text(_nonce) is { } nonce ? ParseNonce(nonce) : null,
            Aik = Once(_aik, policy.Aik, Key(_aik), key => key.IsEmpty),
            Binding = Once(_binding, policy.Binding, ReadBinding(result), binding => binding is null),
            Authority = Once(_authority, policy.Authority, Key(_authority), key => key.IsEmpty),
            Configuration = Once(_approved, policy.Configuration, Configuration(), list => list is null),
            Platforms = Once(_platform, policy.Platforms, [.. Texts(_platform).Select(ParsePlatform)], platforms => platforms.Count == 0),
            Kernels = Once(Texts(_kernel).Length > 0 ? _kernel : _label, policy.Kernels, kernels, list => list.Count == 0),
            Uuid = Once(_uuid, policy.Uuid, Text(_uuid) is { } uuid ? ParseUuid(uuid) : null, value => value is null),
            VirtualPcrs = Once<Registers>(_pcr, policy.VirtualPcrs, ParsePcrs(_pcr, Texts(_pcr)), pcrs => pcrs.Count == 0),
            HardwarePcrs = Once<Registers>(_hardwarePcr, policy.HardwarePcrs, ParsePcrs(_hardwarePcr, Texts(_hardwarePcr)), pcrs => pcrs.Count == 0),
            Locality = Once(_locality, policy.Locality, result.GetValue(_locality), value => value is null),
            EndorsementKeySha256 = Once<ReadOnlyMemory<byte>>(
                _ek, policy.EndorsementKeySha256, Text(_ek) is { } ek ? Hex(_ek.Name, ek, 32) : default, hash => hash.IsEmpty),
        };

        ApprovedConfiguration? Configuration() => Text(_approved) is { } path ? From(_approved, path, bytes => ApprovedConfiguration.Parse(bytes)) : null;
        string? Text(Option<string> option) => result.GetValue(option);
        string[] Texts(Option<string[]> option) => result.GetValue(option) ?? [];
        ReadOnlyMemory<byte> Key(Option<string> option) =>
            Text(option) is { } path ? From(option, path, bytes => PublicKeyFile.Parse(bytes)) : ReadOnlyMemory<byte>.Empty;
    }

    private IdentityBinding? ReadBinding(ParseResult result)
    {
        string? digest = result.GetValue(_labelDigest);
        if (result.GetValue(_binding) is { } path)
            return new IdentityBinding(From(_binding, path, bytes => bytes), digest is null ? default : Digest(_labelDigest, digest));
        return digest is null ? null : throw new UsageException("--aik-label-digest goes with --aik-binding; for a policy's binding it is in the policy");
    }

    /// <summary>The expectation of the policy or of the option: whichever there is.</summary>
    private static T Once<T>(Option option, T ofPolicy, T ofOption, Predicate<T> isAbsent)
    {
        if (isAbsent(ofOption)) return ofPolicy;
        return isAbsent(ofPolicy) ? ofOption : throw new UsageException($"{option.Name}: the policy has such an expectation already; state it in one place");
    }

    private static Option<string> One(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName };

    private static Option<string[]> Many(string name, string description, string helpName) =>
        new(name) { Description = description + " May be given several times: one of them it must be.", HelpName = helpName };

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

    private static Guid ParseUuid(string text) =>
        Guid.TryParseExact(text, "D", out Guid uuid) ? uuid : throw new UsageException($"--uuid: '{text}' is not a uuid");

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
