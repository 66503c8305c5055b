using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>The platform configuration registers: 24 of them, with the attributes of the PC Client profile (Part 2 §8.7-§8.8). Immutable.</summary>
public sealed class PcrBank
{
    public const int Count = 24;

    /// <summary>PCR 16: for debugging, resettable by anybody.</summary>
    public const int Debug = 16;

    private readonly TpmDigest[] _values;

    private PcrBank(TpmDigest[] values) => _values = values;

    /// <summary>The registers after TPM_Init and TPM_Startup(ST_CLEAR): those of a dynamic launch (17 to 22) hold ones until there was one.</summary>
    public static PcrBank Initial { get; } = new([.. Enumerable.Range(0, Count).Select(InitialValue)]);

    public TpmDigest this[int pcr] => _values[pcr];

    public TpmDigest this[uint pcr] => _values[pcr];

    public TpmDigest[] ToArray() => [.. _values];

    public static bool Contains(uint pcr) => pcr < Count;

    /// <summary>TPM_PCR_ATTRIBUTES.pcrReset: reset by TPM_PCR_Reset, and not kept by TPM_SaveState.</summary>
    public static bool IsResettable(int pcr) => pcr >= Debug;

    /// <summary>TPM_PCR_ATTRIBUTES.pcrResetLocal.</summary>
    public static TpmLocalitySelection ResetLocalities(int pcr) => pcr switch
    {
        16 or 23 => TpmLocalitySelection.All,
        17 or 18 or 19 => TpmLocalitySelection.Four,
        20 => TpmLocalitySelection.Four | TpmLocalitySelection.Two,
        21 or 22 => TpmLocalitySelection.Two,
        _ => TpmLocalitySelection.None,
    };

    /// <summary>TPM_PCR_ATTRIBUTES.pcrExtendLocal.</summary>
    public static TpmLocalitySelection ExtendLocalities(int pcr) => pcr switch
    {
        17 or 18 => TpmLocalitySelection.Four | TpmLocalitySelection.Three | TpmLocalitySelection.Two,
        19 => TpmLocalitySelection.Three | TpmLocalitySelection.Two,
        20 => TpmLocalitySelection.Three | TpmLocalitySelection.Two | TpmLocalitySelection.One,
        21 or 22 => TpmLocalitySelection.Two,
        _ => TpmLocalitySelection.All,
    };

    public static PcrBank Of(ReadOnlySpan<TpmDigest> values) =>
        values.Length == Count ? new(values.ToArray()) : throw new ArgumentException($"a bank has {Count} registers", nameof(values));

    /// <summary>The register becomes SHA-1(register || digest), Part 3 §16.1.</summary>
    public PcrBank Extend(uint pcr, in TpmDigest digest) => With((int)pcr, _values[pcr].Extend(digest.ReadOnlySpan));

    /// <summary>
    /// The registers after TPM_PCR_Reset (Part 3 §16.4): zeroes, but ones in those of a dynamic launch (17 to 22) while no trusted operating system
    /// was launched, so that nobody can pretend that one was.
    /// </summary>
    public PcrBank Reset(in TpmPcrSelection selection, bool tosPresent)
    {
        TpmDigest[] values = [.. _values];
        for (int pcr = 0; pcr < Count; pcr++)
        {
            if (selection.Selects(pcr)) values[pcr] = tosPresent ? default : InitialValue(pcr);
        }

        return new(values);
    }

    /// <summary>The registers with one of them replaced.</summary>
    public PcrBank With(int pcr, in TpmDigest value)
    {
        TpmDigest[] values = [.. _values];
        values[pcr] = value;
        return new(values);
    }

    /// <summary>TPM_PCR_COMPOSITE of the registers selected (Part 2 §8.2).</summary>
    public TpmPcrComposite Composite(in TpmPcrSelection selection)
    {
        byte[] values = new byte[Count * TpmDigest.Size];
        int length = 0;
        for (int pcr = 0; pcr < Count; pcr++)
        {
            if (!selection.Selects(pcr)) continue;
            _values[pcr].ReadOnlySpan.CopyTo(values.AsSpan(length));
            length += TpmDigest.Size;
        }

        return new TpmPcrComposite { Select = selection, PcrValue = values.AsMemory(0, length) };
    }

    /// <summary>Part 2 §8.1: whether any of the registers selected is <paramref name="pcr"/> or one above it.</summary>
    public static bool SelectsFrom(int pcr, in TpmPcrSelection selection)
    {
        for (; pcr < Count; pcr++)
        {
            if (selection.Selects(pcr)) return true;
        }

        return false;
    }

    /// <summary>TPM_COMPOSITE_HASH of the registers selected, all zeroes for an empty selection (Part 2 §5.4.1, §8.1).</summary>
    public TpmDigest CompositeHash(in TpmPcrSelection selection) => selection.IsEmpty ? default : WireFormat.Digest(Composite(selection));

    private static TpmDigest InitialValue(int pcr) => pcr is >= 17 and <= 22 ? TpmDigest.AllOnes : default;
}
