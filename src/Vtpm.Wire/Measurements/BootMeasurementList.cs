using System.Collections.Immutable;
using System.Globalization;

namespace Vtpm.Wire;

/// <summary>
/// The measurements of one boot, in their order, as one word of text: <c>4:DIGEST,5:DIGEST,5:DIGEST</c>. That is how a domain builder leaves them with
/// the backend.
/// </summary>
/// <remarks>
/// On the control socket of <c>vtpm tpmback</c> the request is the line <c>measure UUID LIST</c> and the answer the line <c>ok</c>, or <c>error</c> and
/// what is wrong. The list takes the place of one that was left before; the vTPM's next start for a new domain uses it up.
/// </remarks>
public static class BootMeasurementList
{
    /// <summary>Far more than any boot here has: what a socket brings stays small.</summary>
    public const int MaxCount = 64;

    /// <summary>The first PCR that a program of the guest may reset; no measurement of a boot belongs there.</summary>
    private const int PcrEnd = 16;

    private const int LongestItem = 2 + 1 + 2 * TpmDigest.Size;

    public static string Format(IEnumerable<BootMeasurement> measurements) =>
        string.Join(',', measurements.Select(measurement => string.Create(CultureInfo.InvariantCulture, $"{measurement.Pcr}:{measurement.Digest}")));

    /// <summary>Reads what <see cref="Format"/> writes; never a part of it.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ImmutableArray<BootMeasurement> measurements)
    {
        measurements = [];
        if (text.Length > MaxCount * (LongestItem + 1)) return false;
        var found = ImmutableArray.CreateBuilder<BootMeasurement>();
        foreach (Range range in text.Split(','))
        {
            if (found.Count == MaxCount || !TryParse(text[range], out BootMeasurement measurement)) return false;
            found.Add(measurement);
        }

        measurements = found.DrainToImmutable();
        return true;
    }

    private static bool TryParse(ReadOnlySpan<char> text, out BootMeasurement measurement)
    {
        measurement = default;
        int colon = text.IndexOf(':');
        if (colon is not (1 or 2) || text.Length != colon + 1 + 2 * TpmDigest.Size) return false;
        if (!int.TryParse(text[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out int pcr) || pcr >= PcrEnd) return false;
        TpmDigest digest = default;
        if (Convert.FromHexString(text[(colon + 1)..], digest.Span, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        measurement = new BootMeasurement(pcr, digest);
        return true;
    }
}
