namespace Vtpm.Cli;

/// <summary>Lines for people, to standard output: in the form of Xen's stub domains, <c>INFO[VTPM]: text</c>.</summary>
internal sealed class Log(string name)
{
    /// <summary>Of a vTPM's process.</summary>
    public const string VtpmName = "VTPM";

    private const string InfoLevel = "INFO";
    private const string WarnLevel = "WARN";
    private const string ErrorLevel = "ERROR";

    private static readonly Lock Gate = new();

    public bool IsQuiet { get; init; }

    public void Info(string message)
    {
        if (!IsQuiet) Write(InfoLevel, message);
    }

    /// <summary>For what must be seen at every log level.</summary>
    public void Warn(string message) => Write(WarnLevel, message);

    public void Error(string message) => Write(ErrorLevel, message);

    /// <summary>A line of a vTPM's process, in the service's log: its level is its own, its name is not.</summary>
    public static void Relay(Guid vtpm, string line)
    {
        var log = new Log($"VTPM {vtpm}");
        foreach (string level in (ReadOnlySpan<string>)[InfoLevel, WarnLevel, ErrorLevel])
        {
            string head = $"{level}[{VtpmName}]: ";
            if (!line.StartsWith(head, StringComparison.Ordinal)) continue;
            log.Write(level, line[head.Length..]);
            return;
        }

        log.Warn(line);
    }

    /// <summary>Writes a whole line at once, so that lines of several programs do not mix.</summary>
    public static void Line(string line)
    {
        lock (Gate)
        {
            Console.Out.Write(line + "\n");
            Console.Out.Flush();
        }
    }

    /// <summary>A line of a service's log: one that cannot be written (a full disk, a closed terminal) is no reason to stop serving.</summary>
    public static void ServiceLine(string line)
    {
        try
        {
            Line(line);
        }
        catch (IOException)
        {
            // There is nowhere left to tell.
        }
    }

    private void Write(string level, string message) => ServiceLine($"{level}[{name}]: {message}");
}
