using System.Runtime.InteropServices;

namespace Vtpm.Confinement;

/// <summary>The system refuses to start or to confine a process, or to pass a descriptor. The message says what and why.</summary>
public sealed class ConfinementException : IOException
{
    public ConfinementException()
    {
    }

    public ConfinementException(string message)
        : base(message)
    {
    }

    public ConfinementException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <param name="what">What was refused: "PATH cannot be started".</param>
    /// <param name="error">errno.</param>
    public ConfinementException(string what, int error)
        : base($"{what}: {Marshal.GetPInvokeErrorMessage(error)}") => Error = error;

    /// <summary>errno; 0 where there is none.</summary>
    public int Error { get; }
}
