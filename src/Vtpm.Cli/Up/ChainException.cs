namespace Vtpm.Cli;

/// <summary>A part of the chain did not start or has ended; the message says which.</summary>
internal sealed class ChainException(string message) : Exception(message);
