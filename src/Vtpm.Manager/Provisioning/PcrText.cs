using System.Globalization;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>PCRs as people and other programs write them.</summary>
public static class PcrText
{
    /// <summary>Reads a mask in hexadecimal, as the original's tools have it: <c>0e00ff</c>, with or without <c>0x</c>.</summary>
    public static bool TryParseMask(string text, out uint mask)
    {
        ReadOnlySpan<char> digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text.AsSpan(2) : text;
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out mask) && mask >> PcrMask.PcrCount == 0;
    }

    /// <summary>Reads numbers and ranges: <c>0-7,17-19</c>.</summary>
    public static bool TryParseList(string text, out uint mask)
    {
        mask = 0;
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryParsePcr(ends[0], out int first) || !TryParsePcr(ends[^1], out int last) || last < first) return false;
            for (int pcr = first; pcr <= last; pcr++) mask |= 1u << pcr;
        }

        return true;
    }

    /// <summary>
    /// Reads PCR values as Linux shows them in <c>/sys/class/tpm/tpm0/pcrs</c>: lines of <c>PCR-00: 3A 3F …</c>, so that one machine's can be approved on
    /// another.
    /// </summary>
    /// <exception cref="ApprovalException">A line is not one of these.</exception>
    public static IReadOnlyDictionary<int, TpmDigest> ParseFile(string text)
    {
        var values = new Dictionary<int, TpmDigest>();
        foreach (string line in text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            string[] parts = line.Split(':');
            string digits = parts[^1].Replace(" ", "", StringComparison.Ordinal);
            bool isValue = parts.Length == 2 && digits.Length == 2 * TpmDigest.Size && digits.All(char.IsAsciiHexDigit);
            if (!isValue || !parts[0].StartsWith("PCR-", StringComparison.OrdinalIgnoreCase) || !TryParsePcr(parts[0][4..], out int pcr))
                throw new ApprovalException($"'{line}' is no PCR: lines of the form 'PCR-00: 3A 3F ...' are wanted, with 20 bytes each, as in /sys/class/tpm/tpm0/pcrs");
            if (!values.TryAdd(pcr, new TpmDigest(Convert.FromHexString(digits)))) throw new ApprovalException($"PCR {pcr} stands there twice");
        }

        return values;
    }

    private static bool TryParsePcr(string text, out int pcr) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out pcr) && pcr < PcrMask.PcrCount;
}
