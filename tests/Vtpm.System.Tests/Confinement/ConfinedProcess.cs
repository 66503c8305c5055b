using System.Globalization;

namespace Vtpm.SystemTests;

/// <summary>The confined process of a vTPM, as /proc shows it to root.</summary>
internal sealed class ConfinedProcess
{
    public const uint User = 2000000000;

    private ConfinedProcess(int pid) => Pid = pid;

    public int Pid { get; }

    public IEnumerable<string> Threads => Directory.EnumerateDirectories($"/proc/{Pid}/task");

    public bool IsRunning => Directory.Exists($"/proc/{Pid}") && Field($"/proc/{Pid}/status", "State")[0] != 'Z';

    /// <summary>The one that a running <c>vtpm run --confine</c> has started; waited for, since it begins after its parent.</summary>
    public static ConfinedProcess Of(VtpmProcess outer)
    {
        string children = $"/proc/{outer.Pid}/task/{outer.Pid}/children";
        int pid = 0;
        Until(() => int.TryParse(File.ReadAllText(children).Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out pid), "a confined process");
        return new ConfinedProcess(pid);
    }

    /// <summary>Waits until something holds of what another process does.</summary>
    public static void Until(Func<bool> holds, string what)
    {
        long deadline = Environment.TickCount64 + (long)VtpmProcess.Patience.TotalMilliseconds;
        while (!holds())
        {
            if (Environment.TickCount64 > deadline) Assert.Fail($"there is no {what} within {VtpmProcess.Patience}");
            Thread.Yield();
        }
    }

    public static string Field(string status, string name) =>
        File.ReadLines(status).Single(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..].Trim();

    public string Status(string name) => Field($"/proc/{Pid}/status", name);

    /// <summary>What its descriptors are, by their numbers.</summary>
    public SortedDictionary<int, string> Descriptors() => new(Directory.EnumerateFileSystemEntries($"/proc/{Pid}/fd").ToDictionary(
        path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture),
        path => new FileInfo(path).LinkTarget ?? ""));
}
