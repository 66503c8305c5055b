using System.Security.Cryptography;
using Vtpm.Storage;

namespace Vtpm.Cli;

/// <summary>Files that commands read and make for people. None is made in the place of one that is there.</summary>
internal static class UserFile
{
    /// <summary>Nothing that a command takes is longer: what a device or a mistaken name gives does not fill the memory.</summary>
    private const int LongestInput = 1 << 20;

    public static byte[] Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            byte[] buffer = new byte[LongestInput];
            int length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            byte[] content = length < LongestInput ? buffer[..length] : throw new CommandException($"{path} is too long for what it should be");
            // Some are secrets, which their readers zero.
            CryptographicOperations.ZeroMemory(buffer.AsSpan(0, length));
            return content;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be read: {exception.Message}");
        }
    }

    /// <summary>A folder for files, where there is none yet.</summary>
    public static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"the folder {path} cannot be made: {exception.Message}");
        }
    }

    /// <summary>A file that is no secret.</summary>
    public static void Create(string path, ReadOnlySpan<byte> content)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw IsThere(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"{path} cannot be made: {exception.Message}");
        }

        using (file)
        {
            try
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            catch (IOException exception)
            {
                File.Delete(path);
                throw new CommandException($"{path} cannot be written: {exception.Message}");
            }
        }
    }

    /// <summary>A file that is no secret, in the place of whatever was there: the old one whole, or the new one.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string temporary = $"{path}.{Environment.ProcessId}.new";
        Create(temporary, content);
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw new CommandException($"{path} cannot be replaced: {exception.Message}");
        }
    }

    /// <summary>A secret: for its owner alone, and durable when this returns.</summary>
    public static void CreatePrivate(string path, ReadOnlyMemory<byte> content)
    {
        if (!PrivateFile.Create(path, content)) throw IsThere(path);
    }

    /// <summary>Before something is done that cannot be done twice.</summary>
    public static void MustNotExist(string path)
    {
        if (Path.Exists(path)) throw IsThere(path);
    }

    private static CommandException IsThere(string path) => new($"{path} is there already and was left as it is; move it away, or name another");
}
