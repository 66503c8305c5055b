namespace Vtpm.Transports;

/// <summary>What went wrong with a link.</summary>
public enum TpmTransportFault
{
    /// <summary>Nothing there, or no permission: opening or listening failed.</summary>
    Unavailable,

    /// <summary>Another server listens at the address, or another program holds the device.</summary>
    InUse,

    /// <summary>The peer did not answer in time.</summary>
    TimedOut,

    /// <summary>The peer closed the link.</summary>
    Closed,

    /// <summary>The peer sent something that is not one response.</summary>
    Malformed,

    /// <summary>The link failed before; open a new one.</summary>
    Broken,

    /// <summary>The operating system reported an error.</summary>
    Failed,

    /// <summary>
    /// Another user of the TPM took it away in the middle of a command, whose result is lost; over a new link the command can be sent again, by
    /// whoever knows that it may have been executed.
    /// </summary>
    Interrupted,
}

/// <summary>A link failed. What the TPM itself refuses is a response, never this.</summary>
public sealed class TpmTransportException : IOException
{
    public TpmTransportException() : this(TpmTransportFault.Failed, "the link to the TPM failed")
    {
    }

    public TpmTransportException(string message) : this(TpmTransportFault.Failed, message)
    {
    }

    public TpmTransportException(string message, Exception? innerException) : this(TpmTransportFault.Failed, message, innerException)
    {
    }

    public TpmTransportException(TpmTransportFault fault, string message, Exception? innerException = null) : base(message, innerException) =>
        Fault = fault;

    public TpmTransportFault Fault { get; }
}
