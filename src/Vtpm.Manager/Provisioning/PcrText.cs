using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>The values of PCRs as other programs write them.</summary>
public static class PcrText
{
    /// <summary>
    /// Reads PCR values as Linux shows them in <c>/sys/class/tpm/tpm0/pcrs</c>: lines of <c>PCR-00: 3A 3F …</c>, so that one machine's can be
    /// approved on another.
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
            if (!isValue || !parts[0].StartsWith("PCR-", StringComparison.OrdinalIgnoreCase) || !PcrList.TryParsePcr(parts[0][4..], out int pcr))
            {
                throw new ApprovalException(
                    $"'{line}' is no PCR: lines of the form 'PCR-00: 3A 3F ...' are wanted, with 20 bytes each, as in /sys/class/tpm/tpm0/pcrs");
            }

            if (!values.TryAdd(pcr, new TpmDigest(Convert.FromHexString(digits)))) throw new ApprovalException($"PCR {pcr} stands there twice");
        }

        return values;
    }
}
