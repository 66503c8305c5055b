namespace Vtpm.Cli;

/// <summary>Lines for people, to standard output: in the form of Xen's stub domains, <c>INFO[VTPM]: text</c>.</summary>
internal sealed class Log(string name)
{
    private static readonly Lock Gate = new();

    public bool IsQuiet { get; init; }

    public void Info(string message)
    {
        if (!IsQuiet) Write("INFO", message);
    }

    /// <summary>For what must be seen at every log level.</summary>
    public void Warn(string message) => Write("WARN", message);

    public void Error(string message) => Write("ERROR", message);

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
