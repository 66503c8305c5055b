using Vtpm.Wire;

namespace Vtpm.Cli;

/// <summary>
/// The folder of a group that is to be made. Its place is tried before the manager is asked: the answer is given once.
/// </summary>
internal sealed class GroupFolder : IDisposable
{
    private readonly string _parent;
    private readonly string _temporary;

    public GroupFolder(string parent)
    {
        _parent = parent;
        _temporary = Path.Combine(parent, $".group-{Guid.NewGuid()}");
        try
        {
            Directory.CreateDirectory(_temporary);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"no folder can be made in {parent}: {exception.Message}");
        }
    }

    /// <returns>The folder's path.</returns>
    public string Keep(in VtpmGroupNewResponse group)
    {
        string path = Path.Combine(_parent, $"group-{group.GroupUuid}");
        UserFile.Create(Path.Combine(_temporary, "aik.pub"), group.AikModulus.Span);
        UserFile.Create(Path.Combine(_temporary, "aik.priv-ca-data"), group.IdentityBinding.Span);
        Directory.Move(_temporary, path);
        return path;
    }

    public void Dispose()
    {
        if (Directory.Exists(_temporary)) Directory.Delete(_temporary, recursive: true);
    }
}
