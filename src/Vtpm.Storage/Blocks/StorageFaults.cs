namespace Vtpm.Storage;

/// <summary>Words for what the system refuses when a file or device is opened.</summary>
internal static class StorageFaults
{
    // flock's EWOULDBLOCK, which the runtime passes on as the error number itself.
    private const int WouldBlock = 11;

    public static StorageException Opening(string path, Exception error) => error switch
    {
        DirectoryNotFoundException => new(StorageFault.NotFound, $"the directory of {path} does not exist; create it, or check the name", error),
        FileNotFoundException =>
            new(StorageFault.NotFound, $"{path} does not exist; create it, or check the name", error),
        UnauthorizedAccessException =>
            new(StorageFault.AccessDenied,
                $"{path} may not be opened for reading and writing by this user, or is a directory; check its owner and mode", error),
        IOException { HResult: WouldBlock } =>
            new(StorageFault.InUse, $"{path} is in use by another process; stop that one first, two at once would destroy the state", error),
        NotSupportedException => new(StorageFault.Unsuitable, $"{path} is neither a file nor a block device; name one of these", error),
        _ => new(StorageFault.InputOutput, $"{path} cannot be opened (error {error.HResult}); check the file system it is on", error),
    };
}
