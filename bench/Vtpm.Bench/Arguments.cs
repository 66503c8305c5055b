namespace Vtpm.Bench;

/// <summary>The command line.</summary>
internal sealed record Arguments(string Vtpm, bool Quick, bool Markdown, string StateOn, string Only, string Xen)
{
    public const string Usage = """
        usage: bench/run [--quick] [--markdown] [--state-on DIRECTORY] [--only TEXT]
          --quick               a few of everything: shows that it runs; the figures mean little
          --markdown            the table as the README has it
          --state-on DIRECTORY  where the TPMs keep their state; should be on a disk (default /var/tmp)
          --only TEXT           the steps that have TEXT in their name, as it is shown while they run
          --only xen            guests and their vTPMs on a real Xen, in QEMU; no part of the other steps
        """;

    /// <exception cref="BenchException">An argument is not understood.</exception>
    public static Arguments Parse(string[] args)
    {
        var arguments = new Arguments("vtpm", Quick: false, Markdown: false, "/var/tmp", Only: "", Xen: "bench/xen/run");
        for (int i = 0; i < args.Length; i++)
        {
            arguments = args[i] switch
            {
                "--quick" => arguments with { Quick = true },
                "--markdown" => arguments with { Markdown = true },
                "--state-on" when i + 1 < args.Length => arguments with { StateOn = Path.GetFullPath(args[++i]) },
                "--only" when i + 1 < args.Length => arguments with { Only = args[++i] },
                "--xen" when i + 1 < args.Length => arguments with { Xen = Path.GetFullPath(args[++i]) },
                "--vtpm" when i + 1 < args.Length => arguments with { Vtpm = Path.GetFullPath(args[++i]) },
                _ => throw new BenchException($"'{args[i]}' is not understood\n{Usage}"),
            };
        }

        return arguments;
    }
}
