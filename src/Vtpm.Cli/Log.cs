namespace Vtpm.Cli;

/// <summary>Lines for people, to standard output: in the form of Xen's stub domains, <c>INFO[VTPM]: text</c>.</summary>
internal sealed class Log(string name)
{
    private readonly Lock _gate = new();

    public bool IsQuiet { get; init; }

    public void Info(string message)
    {
        if (!IsQuiet) Write("INFO", message);
    }

    public void Error(string message) => Write("ERROR", message);

    private void Write(string level, string message)
    {
        lock (_gate)
        {
            Console.Out.Write($"{level}[{name}]: {message}\n");
            Console.Out.Flush();
        }
    }
}
