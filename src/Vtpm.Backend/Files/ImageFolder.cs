using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>Where the images of vTPMs are: <c>UUID.img</c>, and <c>UUID.img.new</c> while a new one has not started yet.</summary>
internal sealed class ImageFolder(string folder)
{
    /// <summary>Makes the folder, for its owner alone, where there is none.</summary>
    public void Prepare() => PrivateFolder.Prepare(folder);

    /// <summary>Opens a vTPM's image, and locks it.</summary>
    /// <exception cref="StorageException">It is in use, forbidden, or cannot be made.</exception>
    public HeldImage Open(Guid uuid)
    {
        string path = Path.Combine(folder, $"{uuid:D}.img");
        return File.Exists(path) ? new HeldImage(FileBlockStore.Open(path), path, isNew: false) : new HeldImage(FileBlockStore.OpenOrMake(path + ".new"), path, isNew: true);
    }
}

/// <summary>An image that is open and locked, for a process that is started with it.</summary>
internal sealed class HeldImage(FileBlockStore store, string path, bool isNew) : IDisposable
{
    public FileBlockStore Store => store;

    /// <summary>
    /// It has not its name yet. A vTPM that the manager knows a state of does not start on a blank one, which could be the folder of a file system that
    /// is not mounted: an empty file that had the name would be taken for a vTPM that was cleared, the next time.
    /// </summary>
    public bool IsNew { get; private set; } = isNew;

    /// <summary>The vTPM has started on it: it gets its name.</summary>
    /// <exception cref="StorageException">It gets none; the vTPM would start on it again all the same.</exception>
    public void Settle()
    {
        if (!IsNew) return;
        store.MoveTo(path);
        IsNew = false;
    }

    public void Dispose() => store.Dispose();
}
