using Vtpm.Client;
using Vtpm.Transports;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Vtpm.Bench;

internal static class Program
{
    private static string[] Notes { get; } =
    [
        "Both in one run and in turns, commands with client and servers on one CPU. For cheap commands the server's CPU time per call is the figure: a round trip is mostly the waking up of processes.",
        "vtpm answers a change once it is on the disk; swtpm does not wait for the disk.",
        "The manager's: swtpm has nothing of the kind; beside a save is the disk itself, a write of 4 KiB and fdatasync. Its vTPMs lie in different sectors, while there are as many. Barriers are the saves that the image counts, each of which has one; sectors are what the process gave to pwrite.",
    ];

    public static int Main(string[] args)
    {
        if (args is ["--help"])
        {
            Console.WriteLine(Arguments.Usage);
            return 0;
        }

        try
        {
            Run(Arguments.Parse(args));
            return 0;
        }
        catch (Exception exception) when (exception is BenchException or TpmException or TpmTransportException or IOException)
        {
            Console.Error.WriteLine($"bench: {exception.Message}");
            return 1;
        }
    }

    private static void Run(Arguments arguments)
    {
        Scale scale = arguments.Quick ? Scale.Quick : Scale.Full;
        Peer ours = Ours(arguments.Vtpm);
        Peer theirs = Swtpm();
        // Short: the path of a Unix socket has 108 bytes.
        DirectoryInfo directory = Directory.CreateDirectory(Path.Combine(arguments.StateOn, $"vtpm-bench-{Environment.ProcessId}"));
        try
        {
            string loadBefore = Machine.Load();
            bool onXen = arguments.Only.StartsWith(XenFigures.Name, StringComparison.OrdinalIgnoreCase);
            var xen = new XenFigures(arguments.Xen, ours, theirs, scale, directory.FullName);
            Row[] rows = Measure(onXen ? xen.Steps() : new Comparison(ours, theirs, scale, directory.FullName).Steps(), arguments.Only);
            string[] heading =
            [
                $"{Report.Today()}, {ours.Version} (native AOT) and {theirs.Version} (TPM 1.2)",
                onXen ? Machine.Describe() : $"{Machine.Describe()}, both on Unix sockets, state on {Machine.FileSystem(directory.FullName)}",
                $"load average before {loadBefore}, after {Machine.Load()}",
                .. onXen ? XenFigures.Notes : Notes,
            ];
            Report.Write(Console.Out, rows, arguments.Quick ? [.. heading, "--quick: too few measurements to judge by"] : heading, arguments.Markdown);
            if (xen.StubDomains.Count > 0) Console.WriteLine($"\nThe two domains, for docs/adr/0017-stub-domain-images.md:\n\n{string.Join('\n', xen.StubDomains)}");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static Row[] Measure(IEnumerable<(string Name, Func<Row[]> Run)> steps, string only)
    {
        var rows = new List<Row>();
        foreach ((string name, Func<Row[]> run) in steps.Where(step => step.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            Console.Error.WriteLine($"bench: {name}");
            rows.AddRange(run());
        }

        return rows.Count > 0 ? [.. rows] : throw new BenchException($"no step has '{only}' in its name");
    }

    private static Peer Ours(string vtpm) => new(
        "vtpm",
        Machine.FirstLine(vtpm, "version"),
        vtpm,
        (directory, socket) => ["hardware", "--state", Path.Combine(directory, "state"), "--listen", $"unix:{socket}"],
        NeedsPhysicalPresence: false);

    private static Peer Swtpm() => new(
        "swtpm",
        Machine.FirstLine("swtpm", "--version").Split(',')[0].Replace("TPM emulator version", "swtpm", StringComparison.Ordinal),
        "swtpm",
        (directory, socket) =>
        [
            "socket", "--tpmstate", $"dir={directory}", "--server", $"type=unixio,path={socket}", "--ctrl", $"type=unixio,path={socket}.ctrl",
            "--flags", "not-need-init",
        ],
        NeedsPhysicalPresence: true);
}
