namespace Vtpm.Bench;

/// <summary>The command line.</summary>
internal sealed record Arguments(string Vtpm, bool Quick, bool Markdown, string StateOn)
{
    public const string Usage = """
        usage: bench/run [--quick] [--markdown] [--state-on DIRECTORY]
          --quick               a few of everything: shows that it runs; the figures mean little
          --markdown            the table as the README has it
          --state-on DIRECTORY  where the TPMs keep their state; should be on a disk (default /var/tmp)
        """;

    /// <exception cref="BenchException">An argument is not understood.</exception>
    public static Arguments Parse(string[] args)
    {
        var arguments = new Arguments("vtpm", Quick: false, Markdown: false, "/var/tmp");
        for (int i = 0; i < args.Length; i++)
        {
            arguments = args[i] switch
            {
                "--quick" => arguments with { Quick = true },
                "--markdown" => arguments with { Markdown = true },
                "--state-on" when i + 1 < args.Length => arguments with { StateOn = Path.GetFullPath(args[++i]) },
                "--vtpm" when i + 1 < args.Length => arguments with { Vtpm = Path.GetFullPath(args[++i]) },
                _ => throw new BenchException($"'{args[i]}' is not understood\n{Usage}"),
            };
        }

        return arguments;
    }
}
