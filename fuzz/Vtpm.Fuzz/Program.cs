using System.Diagnostics;
using SharpFuzz;

namespace Vtpm.Fuzz;

/// <summary>
/// <code>
/// Vtpm.Fuzz fuzz TARGET [HANG-FILE]    under afl-fuzz: runs one input after the other, from standard input
/// Vtpm.Fuzz replay TARGET FILE...      runs files; says what each that is a finding throws
/// Vtpm.Fuzz seed TARGET DIRECTORY      writes the inputs to begin with
/// Vtpm.Fuzz reduce TARGET IN OUT       writes the smallest of the files of IN that take all their branches (with instrumented assemblies)
/// Vtpm.Fuzz trace session FILE...      prints the commands of programs, and what each is answered
/// Vtpm.Fuzz shrink TARGET FOLDER FILE... makes findings smaller, and writes one of each kind into the folder
/// </code>
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        BranchMap.Install();
        IFuzzTarget target = FuzzTargets.Of(args[1]);
        switch (args[0])
        {
            case "fuzz":
                Fuzz(target, args.ElementAtOrDefault(2));
                return 0;
            case "replay":
                return Replay(target, args[2..]);
            case "trace":
                foreach (string file in args[2..]) Trace(File.ReadAllBytes(file));
                return 0;
            case "seed":
                Directory.CreateDirectory(args[2]);
                foreach ((string name, byte[] input) in target.Seeds()) File.WriteAllBytes(Path.Combine(args[2], name), input);
                return 0;
            case "reduce":
                return CorpusReducer.Reduce(target, args[2], args[3]);
            case "shrink":
                FindingShrinker.Shrink(target, args[2], args[3..]);
                return 0;
            default:
                Console.Error.WriteLine($"there is no command {args[0]}");
                return 2;
        }
    }

    private static void Fuzz(IFuzzTarget target, string? hangFile)
    {
        byte[] buffer = new byte[1 << 20];
        using var watchdog = new Watchdog(hangFile ?? "hang");
        // Everything that is made once is made before afl-fuzz looks.
        byte[][] seeds = [.. target.Seeds().Take(8).Select(seed => seed.Input)];
        foreach (byte[] seed in seeds) target.Run(seed);
        Fuzzer.Run(stream =>
        {
            int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            watchdog.Started(buffer, length);
            // The first run can begin before its input is there, and afl-fuzz gives up on a program that takes no branch.
            target.Run(length == 0 ? seeds[0] : buffer.AsSpan(0, length));
            watchdog.Ended();
        });
    }

    private static void Trace(byte[] program)
    {
        (SessionStart start, List<SessionStep> steps) = SessionProgram.Read(program);
        Console.WriteLine($"from {start}:");
        var machine = new SessionMachine(start);
        foreach (SessionStep step in steps)
        {
            Console.Write($"  {step.Control} {(Vtpm.Wire.TpmOrdinal)step.Ordinal} {Convert.ToHexStringLower(step.Body)}: ");
            Console.WriteLine(machine.Run(step));
        }
    }

    private static int Replay(IFuzzTarget target, string[] files)
    {
        int findings = 0;
        long started = Stopwatch.GetTimestamp();
        foreach (string file in files)
        {
            try
            {
                target.Run(File.ReadAllBytes(file));
            }
            catch (Exception exception)
            {
                findings++;
                Console.WriteLine($"{file}: {exception.GetBaseException()}\n");
            }
        }

        Console.WriteLine($"{target.Name}: {files.Length} inputs in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, {findings} findings");
        return findings == 0 ? 0 : 1;
    }
}
