using System.Security.Cryptography;
using Vtpm.Wire;
using static Vtpm.Client.Attestation.DeepQuoteResult;

namespace Vtpm.Client.Attestation;

/// <summary>
/// Judges evidence by what a verifier knows and expects. It asks nobody, and trusts no field of the evidence but through the signature.
/// </summary>
public sealed class DeepQuoteVerifier
{
    private readonly DeepQuoteEvidence _evidence;
    private readonly DeepQuotePolicy _policy;

    private DeepQuoteVerifier(DeepQuoteEvidence evidence, DeepQuotePolicy policy) => (_evidence, _policy) = (evidence, policy);

    /// <exception cref="ArgumentException">The policy contradicts itself; nothing that evidence can be throws.</exception>
    public static DeepQuoteVerdict Verify(DeepQuoteEvidence evidence, DeepQuotePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(policy);
        policy.Validate();
        return new DeepQuoteVerifier(evidence, policy).Judge();
    }

    /// <summary>The same of a file's bytes: what is no evidence is refused by the verdict.</summary>
    public static DeepQuoteVerdict Verify(ReadOnlyMemory<byte> file, DeepQuotePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        policy.Validate();
        try
        {
            return Verify(DeepQuoteEvidence.Parse(file), policy);
        }
        catch (DeepQuoteFormatException e)
        {
            return DeepQuoteVerdict.OfUnreadable(e);
        }
    }

    private DeepQuoteVerdict Judge()
    {
        DeepQuoteStatement signature = Signature();
        DeepQuoteStatement[] covered =
        [
            Nonce(), Authority(), Configuration(), Platform(), HardwarePcrs(), Vtpm(), Uuid(), VirtualPcrs(), Locality(), EndorsementKey(),
        ];
        if (signature.Result != Shown) covered = [.. covered.Select(Uncovered)];
        return new DeepQuoteVerdict([signature, Binding(), Approval(), .. covered]);
    }

    /// <summary>What would hold, if only it were signed.</summary>
    private static DeepQuoteStatement Uncovered(DeepQuoteStatement statement) =>
        statement.Result == Shown ? statement with { Result = NotShown, Detail = "the signature does not cover it: " + statement.Detail } : statement;

    private DeepQuoteStatement Signature()
    {
        string aik = Convert.ToHexStringLower(SHA256.HashData(_policy.Aik.Span));
        return QuoteFormula.Verify(_policy.Aik.Span, _evidence.HardwarePcrs.Composite(), _evidence.ExternalData, _evidence.Signature.Span)
            ? new("signature", Shown, true, $"the hardware TPM with the identity key SHA-256 {aik} has signed this")
            : new("signature", Wrong, true, $"the identity key SHA-256 {aik} has not signed this: it is another's, or something in it was changed");
    }

    private DeepQuoteStatement Binding()
    {
        const string subject = "identity";
        if (_policy.Binding is not { } binding) return new(subject, NotChecked, false, "where the identity key comes from was taken on trust");
        return binding.IsOf(_policy.Aik)
            ? new(subject, Shown, true, "the identity key was made for the label given; that a TPM made it, only a privacy CA has seen")
            : new(subject, Wrong, true, "the binding is not this identity key's for the label given");
    }

    /// <summary>The verifier's own files against each other.</summary>
    private DeepQuoteStatement Approval()
    {
        const string subject = "approval";
        if (_policy.Configuration is not { } configuration) return new(subject, NotChecked, false, "no approved configuration was given");
        if (configuration.Signature.IsEmpty) return new(subject, NotChecked, false, "the configuration was given without the authority's signature");
        return configuration.IsSignedBy(_policy.Authority.Span)
            ? new(subject, Shown, true, $"the authority has signed the configuration {configuration.Sequence}")
            : new(subject, Wrong, true, $"the authority has not signed the configuration {configuration.Sequence}");
    }

    private DeepQuoteStatement Nonce()
    {
        const string subject = "nonce";
        if (_policy.Nonce is not { } nonce) return new(subject, NotChecked, false, "no nonce was given: this may be evidence of an earlier time");
        return _evidence.Nonce == nonce
            ? new(subject, Shown, true, "it answers the verifier's nonce: it is no older")
            : new(subject, Wrong, true, $"it answers the nonce {_evidence.Nonce}; {nonce} was given");
    }

    private DeepQuoteStatement Authority() => Hashed(
        "authority",
        _evidence.AuthorityHash,
        _policy.Authority.IsEmpty ? null : QuoteFormula.HashAuthority(_policy.Authority.Span),
        "under whose authority the group is was not asked",
        "the group is under the authority given",
        "the group is under another authority");

    private DeepQuoteStatement Configuration() => Hashed(
        "configuration",
        _evidence.GroupHash,
        _policy.Configuration is { } configuration ? QuoteFormula.HashGroupInfo(_policy.Authority.Span, configuration.ToConfigList()) : null,
        "what the group admits was not asked",
        $"the group has the approved configuration {_policy.Configuration?.Sequence}",
        $"the group's configuration is another than the approved {_policy.Configuration?.Sequence}: an earlier, a later, or another authority's");

    private DeepQuoteStatement Uuid() => Hashed(
        "uuid",
        _evidence.UuidHash,
        _policy.Uuid is { } uuid ? QuoteFormula.HashUuid(uuid) : null,
        "which vTPM of the group it is was not asked",
        $"the vTPM is {_policy.Uuid}",
        $"the vTPM is another than {_policy.Uuid}");

    private static DeepQuoteStatement Hashed(
        string subject, TpmDigest? found, TpmDigest? expected, string notAsked, string shown, string wrong) => (found, expected) switch
    {
        (_, null) => new(subject, NotChecked, false, notAsked + Told(found)),
        (null, _) => NotIncluded(subject),
        _ => found == expected ? new(subject, Shown, true, shown) : new(subject, Wrong, true, wrong),
    };

    private static string Told(TpmDigest? hash) => hash is { } value ? $" (its hash is {value})" : "";

    private static DeepQuoteStatement NotIncluded(string subject) =>
        new(subject, NotShown, true, "the evidence does not include it (vtpm quote --include)");

    /// <summary>The hardware's PCRs against approved platforms: that the group has that configuration says nothing of what the machine is.</summary>
    private DeepQuoteStatement Platform()
    {
        const string subject = "platform";
        IReadOnlyList<ApprovedPlatform>? approved = _policy.Configuration?.Platforms;
        IReadOnlyList<ApprovedPlatform> expected = _policy.Platforms.Count > 0 ? _policy.Platforms : approved ?? [];
        if (expected.Count == 0 && approved is null) return new(subject, NotChecked, false, "no approved platforms were given");
        PcrValues pcrs = _evidence.HardwarePcrs;
        uint missing = expected.Aggregate(0u, (mask, platform) => mask | ((platform.PcrMask ?? 0) & ~pcrs.Mask));
        if (expected.FirstOrDefault(platform => IsOf(platform, pcrs)) is { } found)
        {
            string registers = PcrList.Describe(found.PcrMask ?? pcrs.Mask);
            return approved is null || approved.Any(platform => platform.Composite == found.Composite)
                ? new(subject, Shown, true, $"PCRs {registers} of the hardware are those of the approved platform {found.Composite}")
                : new(subject, Wrong, true, $"the hardware is the platform {found.Composite}, which the approved configuration does not have");
        }

        return missing == 0
            ? new(subject, Wrong, true, "the PCRs of the hardware are those of no approved platform")
            : new(subject, NotShown, true, $"the evidence lacks PCRs {PcrList.Describe(missing)} of the hardware (vtpm quote --hw-pcrs)");
    }

    /// <summary>Of no PCRs there is no composite hash; of PCRs that are not told, all in the quote are tried.</summary>
    private static bool IsOf(ApprovedPlatform platform, PcrValues pcrs) => platform.PcrMask switch
    {
        null => pcrs.Composite() == platform.Composite,
        0 => false,
        { } mask => (mask & ~pcrs.Mask) == 0 && pcrs.CompositeOf(mask) == platform.Composite,
    };

    private DeepQuoteStatement Vtpm()
    {
        const string subject = "vtpm";
        IReadOnlyList<TpmDigest>? admitted = _policy.Configuration?.Kernels;
        IReadOnlyList<TpmDigest> expected = _policy.Kernels.Count > 0 ? _policy.Kernels : admitted ?? [];
        bool isRequired = expected.Count > 0 || admitted is not null;
        if (!isRequired) return new(subject, NotChecked, false, "what software the vTPM is was not asked" + Told(_evidence.VtpmHash));
        if (_evidence.VtpmHash is not { } hash) return NotIncluded(subject);
        TpmDigest[] found = [.. expected.Where(kernel => QuoteFormula.HashMeasurements(kernel) == hash).Take(1)];
        if (found.Length == 0) return new(subject, Wrong, true, "the vTPM's software is none of the expected");
        return admitted is null || admitted.Contains(found[0])
            ? new(subject, Shown, true, $"the vTPM's software has the kernel hash {found[0]}, which is expected")
            : new(subject, Wrong, true, $"the vTPM's software, kernel hash {found[0]}, is none that the approved configuration admits");
    }

    private DeepQuoteStatement HardwarePcrs() => Registers("hardware-pcrs", _evidence.HardwarePcrs, _policy.HardwarePcrs, "--hw-pcrs");

    private DeepQuoteStatement VirtualPcrs()
    {
        const string subject = "virtual-pcrs";
        if (_evidence.VirtualPcrs is { } pcrs) return Registers(subject, pcrs, _policy.VirtualPcrs, "--pcrs");
        return _policy.VirtualPcrs.Count == 0
            ? new(subject, NotChecked, false, "evidence of an endorsement key has none")
            : new(subject, NotShown, true, "evidence of an endorsement key has none");
    }

    private static DeepQuoteStatement Registers(
        string subject, PcrValues found, IReadOnlyDictionary<int, IReadOnlyList<TpmDigest>> expected, string option)
    {
        uint asked = 0, missing = 0;
        foreach ((int pcr, IReadOnlyList<TpmDigest> values) in expected.OrderBy(pair => pair.Key))
        {
            asked |= 1u << pcr;
            if (!found.Values.TryGetValue(pcr, out TpmDigest value)) missing |= 1u << pcr;
            else if (!values.Contains(value)) return new(subject, Wrong, true, $"PCR {pcr} is {value}; expected is {string.Join(" or ", values)}");
        }

        if (missing != 0) return new(subject, NotShown, true, $"the evidence lacks PCRs {PcrList.Describe(missing)} (vtpm quote {option})");
        string others = (found.Mask & ~asked) is var rest and not 0 ? $"; not checked: PCRs {PcrList.Describe(rest)}" : "";
        return asked == 0
            ? new(subject, NotChecked, false, $"no values were given to compare PCRs {PcrList.Describe(found.Mask)} with")
            : new(subject, Shown, true, $"PCRs {PcrList.Describe(asked)} have the values expected{others}");
    }

    private DeepQuoteStatement Locality()
    {
        const string subject = "locality";
        byte told = _evidence.LocalityAtRelease;
        string text = byte.IsPow2(told) ? $"{byte.Log2(told)}" : $"none of 0 to 7 (0x{told:x2})";
        if (_evidence.VirtualPcrs is null)
            return new(subject, _policy.Locality is null ? NotChecked : NotShown, _policy.Locality is not null, "evidence of an endorsement key has none");
        if (_policy.Locality is not { } locality) return new(subject, NotChecked, false, $"the vTPM was asked at locality {text}");
        return told == 1 << locality
            ? new(subject, Shown, true, $"the vTPM was asked at locality {text}")
            : new(subject, Wrong, true, $"the vTPM was asked at locality {text}; expected is {locality}");
    }

    private DeepQuoteStatement EndorsementKey()
    {
        const string subject = "endorsement-key";
        bool isRequired = !_policy.EndorsementKeySha256.IsEmpty;
        if (_evidence.EndorsementKey is not { } key)
            return new(subject, isRequired ? NotShown : NotChecked, isRequired, "this is evidence of PCRs (vtpm quote --ek makes the other)");
        byte[] found = SHA256.HashData(key.PubKey.Key.Span);
        string what = $"SHA-256 {Convert.ToHexStringLower(found)}";
        string shown = $"{what}: a vTPM of the group had just made it";
        if (!isRequired) return new(subject, NotChecked, false, $"{shown}; nothing was given to compare it with");
        return _policy.EndorsementKeySha256.Span.SequenceEqual(found)
            ? new(subject, Shown, true, shown)
            : new(subject, Wrong, true, $"{what}; expected is {Convert.ToHexStringLower(_policy.EndorsementKeySha256.Span)}");
    }
}
