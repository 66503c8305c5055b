using System.ComponentModel;
using System.Globalization;
using Vtpm.Transports;
using Vtpm.Xen;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Vtpm.Probe;

/// <summary>What measures in a domain: bench/xen puts it there, and takes the numbers that it prints.</summary>
internal static class Program
{
    private const string Usage = """
        usage: probe trips ADDRESS COUNT    sends so many TPM_PCRRead and prints what each took, in microseconds
               probe load ADDRESS COUNT     sends them and prints nothing
               probe time DOMAIN            prints the nanoseconds of the machine's processors that the domain has had
               probe ready [ADDRESS]        waits until a TPM has answered there, and tells so in this domain's xenstore
               probe start COMMAND...       runs what makes a guest; prints "EVENT MILLISECONDS" from then on until that guest is ready
        """;

    public static int Main(string[] args)
    {
        try
        {
            switch (args)
            {
                case ["trips", var address, var count]:
                    Console.WriteLine(string.Join(' ', RoundTrips.Measure(Address(address), Count(count)).Select(Text)));
                    return 0;
                case ["load", var address, var count]:
                    RoundTrips.Measure(Address(address), Count(count));
                    return 0;
                case ["time", var domain]:
                    Console.WriteLine(TimeOf((uint)Count(domain)));
                    return 0;
                case ["ready"]:
                    GuestStart.Tell();
                    return 0;
                case ["ready", var address]:
                    GuestStart.WaitFor(Address(address));
                    GuestStart.Tell();
                    return 0;
                case ["start", var command, .. var arguments]:
                    foreach ((string name, double after) in GuestStart.Run(command, arguments)) Console.WriteLine($"{name} {Text(after)}");
                    return 0;
                default:
                    Console.Error.WriteLine(Usage);
                    return 2;
            }
        }
        catch (Exception exception) when (
            exception is ProbeException or TpmTransportException or XenException or FormatException or OverflowException or IOException or Win32Exception)
        {
            Console.Error.WriteLine($"probe: {exception.Message}");
            return 1;
        }
    }

    private static long TimeOf(uint domain)
    {
        using LinuxXenHost host = LinuxXenHost.Open();
        DomainInfo info = host.Describe(domain) ?? throw new ProbeException($"Xen tells nothing of domain {domain}");
        return info.ProcessorTime.Ticks * TimeSpan.NanosecondsPerTick;
    }

    private static TpmAddress Address(string text) => TpmAddress.Parse(text);

    private static int Count(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static string Text(double number) => number.ToString("0.0", CultureInfo.InvariantCulture);
}

/// <summary>Something could not be measured; the message says why.</summary>
internal sealed class ProbeException(string message) : Exception(message);
