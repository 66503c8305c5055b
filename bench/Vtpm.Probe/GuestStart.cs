using System.Diagnostics;
using Vtpm.Transports;
using Vtpm.Xen;

namespace Vtpm.Probe;

/// <summary>How long it takes until a guest that is being made has its TPM, as xenstore shows it.</summary>
internal static class GuestStart
{
    private const string Domains = "/local/domain";

    /// <summary>Below the own domain's path, where a guest may write.</summary>
    private const string Ready = "data/vtpm-ready";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>In a guest: it is ready.</summary>
    public static void Tell()
    {
        using LinuxXenHost host = LinuxXenHost.Open();
        host.Store.Write(Ready, "1");
    }

    /// <summary>In a guest: until the TPM there has answered.</summary>
    public static void WaitFor(TpmAddress address)
    {
        long began = Stopwatch.GetTimestamp();
        while (!File.Exists(address.Name))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new ProbeException($"{address.Name} does not come");
            Thread.Sleep(1);
        }

        using ITpmConnection link = RoundTrips.Open(address);
        RoundTrips.Read(link);
    }

    /// <summary>Runs a command that makes a guest, and follows what becomes of its vTPM's device.</summary>
    /// <returns>
    /// Milliseconds since the command was started: "device" is there for the backend, the backend "waits" for its frontend (InitWait), the two are
    /// "connected", the command has "returned", the guest is "ready".
    /// </returns>
    public static IEnumerable<(string Event, double Milliseconds)> Run(string command, string[] arguments)
    {
        using LinuxXenHost host = LinuxXenHost.Open();
        host.Store.Watch(Domains, "domains");
        Drain(host.Store, _ => { });
        var seen = new Dictionary<string, double>();
        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(command, arguments);
        _ = process.WaitForExitAsync().ContinueWith(_ => host.Interrupt(), TaskScheduler.Default);
        while (!(seen.ContainsKey("ready") && seen.ContainsKey("returned")))
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
                throw new ProbeException($"{command}: seen in time was only {string.Join(", ", seen.Keys)}");
            host.Wait(TimeSpan.FromSeconds(1), []);
            double now = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            Drain(host.Store, fired =>
            {
                if (EventOf(host.Store, fired.Path) is { } name) seen.TryAdd(name, now);
            });
            if (!process.HasExited) continue;
            if (process.ExitCode != 0) throw new ProbeException($"{command} ended with {process.ExitCode}");
            seen.TryAdd("returned", now);
        }

        return seen.Select(one => (one.Key, one.Value));
    }

    private static void Drain(IXenStore store, Action<XenStoreEvent> take)
    {
        while (store.TryTakeWatch(out XenStoreEvent fired)) take(fired);
    }

    /// <summary>What a change in xenstore is to a guest's vTPM.</summary>
    private static string? EventOf(IXenStore store, string path)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        return parts switch
        {
            ["local", "domain", _, "data", "vtpm-ready"] => "ready",
            // Of all that the toolstack writes for it at once.
            ["local", "domain", _, "backend", "vtpm", _, _, "uuid"] => "device",
            ["local", "domain", _, "backend", "vtpm", _, _, "state"] => store.Read(path) switch
            {
                "2" => "waits",
                "4" => "connected",
                _ => null,
            },
            _ => null,
        };
    }
}
