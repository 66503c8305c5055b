namespace Vtpm.Manager;

/// <summary>What an authority was given to approve, or to check, is not what it should be. The message says what it should be.</summary>
public sealed class ApprovalException : Exception
{
    public ApprovalException()
    {
    }

    public ApprovalException(string message)
        : base(message)
    {
    }

    public ApprovalException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
