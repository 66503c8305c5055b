using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>
/// The manager of many vTPMs, on the stand-in hardware. swtpm has nothing of the kind; where a figure is mostly the disk's, the disk itself is beside it.
/// </summary>
internal sealed class ManagerFigures(Peer ours, Scale scale, string stateOn)
{
    private static readonly TimeSpan SaveTime = TimeSpan.FromMilliseconds(250);

    private string Many => $"{scale.Vtpms:#,0} vTPMs";

    public IEnumerable<(string Name, Func<Row[]> Run)> Steps() =>
    [
        ($"manager with {Many}: image, start, find, save", Scale),
        ("manager: deep quote", DeepQuote),
    ];

    private Row[] Scale()
    {
        using var none = new ManagerSite(ours, 0, stateOn);
        using var many = new ManagerSite(ours, scale.Vtpms, stateOn);
        var size = new Samples();
        size.Add(new FileInfo(many.Image).Length / 1024.0);
        return [new($"Manager's image of {Many}", Unit.Kibibytes, size), .. Start(none, many), .. Find(many), .. ((int[])[1, 10, 100]).SelectMany(clients => Save(many, clients))];
    }

    private Row[] Start(ManagerSite none, ManagerSite many)
    {
        var empty = new Samples();
        var full = new Samples();
        var beyond = new Samples();
        for (int round = 0; round < scale.SaveRounds; round++)
        {
            double first = StartOf(none);
            double second = StartOf(many);
            empty.Add(first);
            full.Add(second);
            beyond.Add(second - first);
        }

        return
        [
            new("Manager's start to first answer, no vTPM in its image", Unit.Milliseconds, empty),
            new($"Manager's start to first answer, {Many}", Unit.Milliseconds, full),
            new($"Opening {Many}: the difference, which is beyond the TPM's time", Unit.Milliseconds, beyond),
        ];

        static double StartOf(ManagerSite site)
        {
            using ManagerProcess manager = site.StartManager([]);
            return manager.StartMilliseconds;
        }
    }

    private Row[] Find(ManagerSite site)
    {
        using ManagerProcess manager = site.StartManager([]);
        using VtpmManagement administrator = manager.ConnectAdministrator();
        Guid[] uuids = site.Spread(scale.CheapCalls);
        var cpu = new Samples();
        for (int round = 0; round < scale.CheapRounds; round++)
        {
            double before = manager.Figures.ReadCpu();
            foreach (Guid uuid in uuids) administrator.ShowVtpm(uuid);
            cpu.Add((manager.Figures.ReadCpu() - before) / uuids.Length);
        }

        return [new($"VTPM_SHOW: one of {Many} found and shown: manager", Unit.Microseconds, cpu)];
    }

    private Row[] Save(ManagerSite site, int clients)
    {
        using ManagerProcess manager = site.StartManager(site.Spread(clients));
        using var savers = new Savers(manager, clients);
        using var disk = new DiskCost(stateOn);
        var barrier = new Samples();
        for (int round = 0; round <= scale.SaveRounds; round++)
        {
            savers.Round(SaveTime, counts: round > 0);
            for (int i = 0; i < scale.CheapCalls; i++) barrier.Add(disk.Measure());
        }

        string name = $"SAVEHASHKEY among {Many}, {clients} at once";
        return
        [
            // Of several at once, one waits for what others do as well.
            new($"{name}: round trip", Unit.Milliseconds, savers.Latency, clients == 1 ? barrier : null, Other: " (disk)"),
            new($"{name}: saves", Unit.PerSecond, savers.Throughput),
            new($"{name}: barriers a save", Unit.Count, savers.BarriersPerSave),
            new($"{name}: sectors written a save", Unit.Count, savers.SectorsPerSave),
            new($"{name}: manager", Unit.Microseconds, savers.Cpu),
        ];
    }

    private Row[] DeepQuote()
    {
        using var site = new ManagerSite(ours, 2, stateOn);
        TpmOrdinal[] commands = CountCommands(site);
        var count = new Samples();
        count.Add(commands.Length);
        using ManagerProcess manager = site.StartManager([site.Uuids[1]]);
        using var quotes = new DeepQuotes(ours, site, manager, stateOn);
        for (int round = 0; round <= scale.RsaRounds; round++) quotes.Round(scale.RsaCalls, counts: round > 0);
        return
        [
            new("TPM_DeepQuote of 8 and 8 PCRs: round trip", Unit.Milliseconds, quotes.RoundTrip),
            new($"TPM_DeepQuote: commands to the hardware TPM ({string.Join(", ", commands)})", Unit.Count, count),
            new("TPM_DeepQuote: vTPM", Unit.Microseconds, quotes.GuestCpu),
            new("TPM_DeepQuote: manager", Unit.Microseconds, quotes.ManagerCpu),
            new("TPM_DeepQuote: stand-in hardware", Unit.Microseconds, quotes.HardwareCpu),
        ];
    }

    private TpmOrdinal[] CountCommands(ManagerSite site)
    {
        string socket = Path.Combine(site.Folder, "relay");
        using var relay = new CountingRelay(socket, site.Hardware.SocketPath);
        using ManagerProcess manager = site.StartManager([site.Uuids[0]], socket);
        using var quotes = new DeepQuotes(ours, site, manager, stateOn);
        quotes.Quote();
        relay.Take();
        quotes.Quote();
        return relay.Take();
    }
}
