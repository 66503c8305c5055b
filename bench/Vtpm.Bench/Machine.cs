using System.Diagnostics;

namespace Vtpm.Bench;

/// <summary>Where and with what was measured; a figure without it says nothing.</summary>
internal static class Machine
{
    public static string Describe() =>
        $"{Processor()}, {Environment.ProcessorCount} CPUs, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";

    public static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);

    /// <summary>What a program prints of itself.</summary>
    public static string FirstLine(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 && output.Split('\n')[0].Trim() is { Length: > 0 } line
            ? line
            : throw new BenchException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode} and no version");
    }

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
        ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>The mount with the longest matching path.</summary>
    public static string FileSystem(string path) =>
        File.ReadLines("/proc/self/mounts").Select(line => line.Split(' ')).Where(mount => IsUnder(path, mount[1])).MaxBy(mount => mount[1].Length)?[2]
        ?? throw new BenchException($"no mount holds {path}");

    private static bool IsUnder(string path, string mount) => mount == "/" || path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal);
}
