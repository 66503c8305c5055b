using System.Buffers.Binary;
using System.Globalization;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>
/// PCRs as people write them, <c>0-7,17</c>; as bits, bit n for PCR n, which is how the manager's image has them; and as the TPM has them, a
/// TPM_PCR_SELECTION.
/// </summary>
public static class PcrList
{
    /// <summary>As many as a selection of three bytes names, and a TPM 1.2 of the PC Client profile has.</summary>
    public const int Count = 24;

    /// <summary>Bytes of a selection of all of them.</summary>
    public const int MaxSizeOfSelect = Count / 8;

    /// <exception cref="FormatException">Another form; the message says what to write.</exception>
    public static uint Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out uint mask)
            ? mask
            : throw new FormatException($"'{text}' names no PCRs: write numbers from 0 to {Count - 1} and ranges of them, such as 0-7,17");
    }

    /// <summary>Reads numbers and ranges of them.</summary>
    public static bool TryParse(string text, out uint mask)
    {
        ArgumentNullException.ThrowIfNull(text);
        mask = 0;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryParsePcr(ends[0], out int first) || !TryParsePcr(ends[^1], out int last) || last < first) return false;
            for (int pcr = first; pcr <= last; pcr++) mask |= 1u << pcr;
        }

        return true;
    }

    /// <summary>Reads one number.</summary>
    public static bool TryParsePcr(string text, out int pcr) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out pcr) && pcr < Count;

    /// <summary>Reads bits in hexadecimal, as the original's tools have them: <c>0e00ff</c>, with or without <c>0x</c>.</summary>
    public static bool TryParseMask(string text, out uint mask)
    {
        ArgumentNullException.ThrowIfNull(text);
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text;
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out mask) && mask >> Count == 0;
    }

    /// <summary><c>0-7,17</c>, or <c>none</c>.</summary>
    public static string Describe(uint mask)
    {
        int[] pcrs = [.. Pcrs(mask)];
        var ranges = new List<string>();
        for (int i = 0; i < pcrs.Length;)
        {
            int end = i;
            while (end + 1 < pcrs.Length && pcrs[end + 1] == pcrs[end] + 1) end++;
            ranges.Add(end == i ? $"{pcrs[i]}" : $"{pcrs[i]}-{pcrs[end]}");
            i = end + 1;
        }

        return ranges.Count == 0 ? "none" : string.Join(',', ranges);
    }

    /// <summary>The numbers, ascending.</summary>
    public static IEnumerable<int> Pcrs(uint mask) => Enumerable.Range(0, sizeof(uint) * 8).Where(pcr => (mask >> pcr & 1) == 1);

    /// <summary>A selection of as many bytes as the mask needs, or more.</summary>
    public static TpmPcrSelection ToSelection(uint mask, int sizeOfSelect = MaxSizeOfSelect)
    {
        byte[] select = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(select, mask);
        return new TpmPcrSelection { PcrSelect = select.AsMemory(0, sizeOfSelect) };
    }

    /// <summary>False for a selection that names more PCRs than there are.</summary>
    public static bool TryFromSelection(TpmPcrSelection selection, out uint mask)
    {
        mask = 0;
        if (selection.PcrSelect.Length > sizeof(uint)) return false;
        for (int i = 0; i < selection.PcrSelect.Length; i++) mask |= (uint)selection.PcrSelect.Span[i] << (8 * i);
        return mask >> Count == 0;
    }

    /// <summary>The composite hash (Part 2 §8.2) of PCRs whose values are given by number. It covers the size of the selection too.</summary>
    public static TpmDigest Composite(uint mask, Func<int, TpmDigest> valueOf, int sizeOfSelect = MaxSizeOfSelect)
    {
        ArgumentNullException.ThrowIfNull(valueOf);
        byte[] values = [.. Pcrs(mask).SelectMany(pcr => valueOf(pcr).ReadOnlySpan.ToArray())];
        return WireFormat.Digest(new TpmPcrComposite { Select = ToSelection(mask, sizeOfSelect), PcrValue = values });
    }
}
