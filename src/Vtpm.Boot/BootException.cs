namespace Vtpm.Boot;

/// <summary>A guest cannot be measured, or must not be started; the message says why, and what the choices are.</summary>
public sealed class BootException : Exception
{
    public BootException()
    {
    }

    public BootException(string message)
        : base(message)
    {
    }

    public BootException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
