namespace Vtpm.Storage;

/// <summary>What kind of trouble a <see cref="StorageException"/> is.</summary>
public enum StorageFault
{
    /// <summary>The medium failed to read or write.</summary>
    InputOutput,
    NotFound,
    AccessDenied,

    /// <summary>Another process has it open.</summary>
    InUse,

    /// <summary>Neither a file nor a block device.</summary>
    Unsuitable,

    /// <summary>The content does not verify.</summary>
    Damaged,

    /// <summary>The content was written by a newer version of this software.</summary>
    NewerVersion,
}

/// <summary>A store or state file cannot be used. The message says what is wrong and what to do.</summary>
public sealed class StorageException : IOException
{
    public StorageException()
    {
    }

    public StorageException(string message)
        : base(message)
    {
    }

    public StorageException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public StorageException(StorageFault fault, string message, Exception? innerException = null)
        : base(message, innerException) => Fault = fault;

    public StorageFault Fault { get; }
}
