namespace Vtpm.Manager;

/// <summary>The manager cannot do its work. The message says what is wrong and what the choices are.</summary>
public sealed class ManagerException : Exception
{
    public ManagerException()
    {
    }

    public ManagerException(string message)
        : base(message)
    {
    }

    public ManagerException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
