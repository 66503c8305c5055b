using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>A folder for its owner alone.</summary>
internal static class PrivateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersMayWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Makes it where there is none. One that is there may be read by others, if its owner wants that, and not be written to.</summary>
    /// <exception cref="StorageException">It cannot be made, or others may write to it.</exception>
    public static void Prepare(string folder)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        try
        {
            Directory.CreateDirectory(folder, OwnerOnly);
            if ((File.GetUnixFileMode(folder) & OthersMayWrite) != 0)
                throw new StorageException(StorageFault.Unsuitable, $"others may write to {folder}, and put files of theirs in a vTPM's way: chmod go-w {folder}, or choose another");
        }
        catch (Exception error) when (error is not StorageException and (IOException or UnauthorizedAccessException))
        {
            throw new StorageException(StorageFault.AccessDenied, $"the folder {folder} cannot be made: {error.Message}", error);
        }
    }
}
