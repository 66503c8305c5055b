using System.Diagnostics;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Probe;

/// <summary>Commands that cost a TPM next to nothing, one after the other: what they take is the way there and back.</summary>
internal static class RoundTrips
{
    private const int WarmUp = 5;

    /// <summary>TPM_PCRRead of PCR 0.</summary>
    private static ReadOnlySpan<byte> Request => [0x00, 0xC1, 0, 0, 0, 14, 0, 0, 0, 0x15, 0, 0, 0, 0];

    /// <summary>So many of them.</summary>
    /// <returns>Microseconds of each.</returns>
    /// <exception cref="ProbeException">One was not answered with TPM_SUCCESS.</exception>
    public static double[] Measure(TpmAddress address, int count)
    {
        using ITpmConnection link = Open(address);
        for (int i = 0; i < WarmUp; i++) Read(link);
        var trips = new double[count];
        for (int i = 0; i < count; i++)
        {
            long began = Stopwatch.GetTimestamp();
            Read(link);
            trips[i] = Stopwatch.GetElapsedTime(began).TotalMicroseconds;
        }

        return trips;
    }

    /// <summary>One of them.</summary>
    public static void Read(ITpmConnection link)
    {
        Span<byte> response = stackalloc byte[TpmMessage.MaxLength];
        int length = link.Transmit(Request, response);
        if (length != 30 || response[6..10].ContainsAnyExcept((byte)0))
            throw new ProbeException($"TPM_PCRRead was answered {Convert.ToHexString(response[..length])}");
    }

    /// <summary>What an address names, <c>xen:</c> for this domain's own device included.</summary>
    public static ITpmConnection Open(TpmAddress address) =>
        address == TpmAddress.Xen ? Tpmfront.Open(LinuxXenHost.Open(), ownsHost: true) : TpmConnection.Open(address);
}
