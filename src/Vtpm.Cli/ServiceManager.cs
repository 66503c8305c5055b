using System.Net.Sockets;
using System.Text;

namespace Vtpm.Cli;

/// <summary>Tells systemd how a service is (sd_notify): with <c>Type=notify</c>, what is ordered after the service starts when it serves.</summary>
internal static class ServiceManager
{
    private const string Variable = "NOTIFY_SOCKET";

    // Read once and taken away: what we start is not the service.
    private static readonly string? Address = TakeAddress();

    /// <summary>It serves from now on.</summary>
    public static void Ready() => Tell("READY=1");

    /// <summary>It was told to end, and finishes what it is in.</summary>
    public static void Stopping() => Tell("STOPPING=1");

    private static void Tell(string state)
    {
        if (Address is null) return;
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(Address));
        }
        catch (SocketException e)
        {
            Log.ServiceLine($"WARN: the service manager is not to be told {state}: {e.Message}");
        }
    }

    /// <summary>A path; or a name in the abstract name space, whose first byte is zero and written as '@'.</summary>
    private static string? TakeAddress()
    {
        string? address = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        return address switch
        {
            ['/', _, ..] => address,
            ['@', _, ..] => "\0" + address[1..],
            _ => null,
        };
    }
}
