namespace Vtpm.Storage;

/// <summary>A small file for its owner alone, such as a private key.</summary>
public static class PrivateFile
{
    /// <summary>Makes a new file (0600) that is there whole or not at all; content and name are durable when this returns.</summary>
    /// <returns>False when the name is taken.</returns>
    /// <exception cref="StorageException">It cannot be made.</exception>
    public static bool Create(string path, ReadOnlyMemory<byte> content)
    {
        using DurableFile? file = DurableFile.Create(path, created => created.Write(0, content.Span), replace: false);
        file?.FlushName();
        return file is not null;
    }
}
