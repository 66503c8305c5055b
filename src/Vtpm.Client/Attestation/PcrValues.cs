using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>Some PCRs of a TPM and their values, with the size of the selection that names them: a composite hash covers all three.</summary>
public sealed class PcrValues
{
    private readonly SortedDictionary<int, TpmDigest> _values;

    /// <exception cref="ArgumentException">No PCR, one twice, or one that the selection has no bit for.</exception>
    public PcrValues(int sizeOfSelect, IEnumerable<KeyValuePair<int, TpmDigest>> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (sizeOfSelect is < 1 or > PcrList.MaxSizeOfSelect) throw new ArgumentException($"a selection has 1 to {PcrList.MaxSizeOfSelect} bytes");
        SizeOfSelect = sizeOfSelect;
        _values = [];
        foreach ((int pcr, TpmDigest value) in values)
        {
            if (pcr < 0 || pcr >= 8 * sizeOfSelect) throw new ArgumentException($"a selection of {sizeOfSelect} bytes has no bit for PCR {pcr}");
            if (!_values.TryAdd(pcr, value)) throw new ArgumentException($"PCR {pcr} is there twice");
            Mask |= 1u << pcr;
        }

        // Of no PCRs a TPM makes no composite hash (Part 2 §8.1): such a quote would say nothing.
        if (Mask == 0) throw new ArgumentException("no PCR is selected");
    }

    public int SizeOfSelect { get; }

    /// <summary>Bit n for PCR n.</summary>
    public uint Mask { get; }

    public TpmPcrSelection Selection => PcrList.ToSelection(Mask, SizeOfSelect);

    /// <summary>Ascending by PCR.</summary>
    public IReadOnlyDictionary<int, TpmDigest> Values => _values;

    /// <summary>The composite hash (Part 2 §8.2) of all of them.</summary>
    public TpmDigest Composite() => PcrList.Composite(Mask, pcr => _values[pcr], SizeOfSelect);

    /// <summary>The composite hash of some of them, in the manager's form: a selection of three bytes.</summary>
    /// <exception cref="ArgumentException">One is not there.</exception>
    public TpmDigest CompositeOf(uint mask)
    {
        if ((mask & ~Mask) != 0) throw new ArgumentException($"PCRs {PcrList.Describe(mask & ~Mask)} are not there", nameof(mask));
        return PcrList.Composite(mask, pcr => _values[pcr]);
    }
}
