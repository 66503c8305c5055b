namespace Vtpm.Cli;

/// <summary>A command does not do what was asked; the message says why, and what the choices are.</summary>
internal sealed class CommandException(string message, ExitCode exitCode = ExitCode.Failed) : Exception(message)
{
    public ExitCode ExitCode { get; } = exitCode;
}
