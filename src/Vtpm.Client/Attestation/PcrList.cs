using System.Globalization;
using Vtpm.Wire;

namespace Vtpm.Client.Attestation;

/// <summary>PCRs as people write them, <c>0-7,17</c>, and as bits: bit n for PCR n.</summary>
public static class PcrList
{
    /// <summary>As many as a TPM 1.2 of the PC Client profile has.</summary>
    public const int Count = 24;

    /// <exception cref="FormatException">Another form; the message says what to write.</exception>
    public static uint Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        uint mask = 0;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2) throw Malformed(text);
            int first = ParsePcr(ends[0], text);
            int last = ParsePcr(ends[^1], text);
            if (first > last) throw Malformed(text);
            for (int pcr = first; pcr <= last; pcr++) mask |= 1u << pcr;
        }

        return mask;
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

    public static IEnumerable<int> Pcrs(uint mask) => Enumerable.Range(0, sizeof(uint) * 8).Where(pcr => (mask >> pcr & 1) == 1);

    /// <summary>A selection of as many bytes as the mask needs, or more.</summary>
    internal static TpmPcrSelection ToSelection(uint mask, int sizeOfSelect)
    {
        byte[] select = new byte[sizeOfSelect];
        for (int i = 0; i < sizeOfSelect; i++) select[i] = (byte)(mask >> 8 * i);
        return new TpmPcrSelection { PcrSelect = select };
    }

    private static int ParsePcr(string digits, string text) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int pcr) && pcr < Count ? pcr : throw Malformed(text);

    private static FormatException Malformed(string text) =>
        new($"'{text}' names no PCRs: write numbers from 0 to {Count - 1} and ranges of them, such as 0-7,17");
}
