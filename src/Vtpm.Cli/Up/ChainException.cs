namespace Vtpm.Cli;

/// <summary>A part of the chain did not start, or its folder does not fit; the message says which and why.</summary>
internal sealed class ChainException(string message, ExitCode exitCode = ExitCode.Failed) : Exception(message)
{
    public ExitCode ExitCode { get; } = exitCode;
}
