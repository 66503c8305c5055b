using System.Security.Cryptography;
using System.Text;
using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>
/// Where the records of guests' boots are: <c>UUID.boot</c>, in memory (/run), so that they outlive this service and the vTPMs' processes, and not the
/// machine. One for each vTPM, which one domain has at a time. It is <c>UUID.boot.new</c> until the vTPM serves its guest: one that has the name is of a
/// guest that can have used it.
/// </summary>
internal sealed class RecordFolder(string folder)
{
    /// <summary>Makes the folder, for its owner alone, where there is none.</summary>
    public void Prepare() => PrivateFolder.Prepare(folder);

    /// <summary>Opens the record of a guest's boot, or begins one.</summary>
    /// <param name="uuid">The vTPM.</param>
    /// <param name="guest">Which domain, and which life of it: <see cref="DomainIdentity"/>.</param>
    /// <param name="begins">The guest has not run, and nobody can have used its vTPM: whatever is there counts no more.</param>
    /// <param name="originOfNew">What one that begins can tell.</param>
    /// <exception cref="IOException">It is in use, or cannot be read or made.</exception>
    public HeldRecord Open(Guid uuid, string guest, bool begins, BootOrigin originOfNew)
    {
        string path = PathOf(uuid);
        byte[] hash = Hash(uuid, guest);
        if (!begins && File.Exists(path))
        {
            FileBlockStore store = FileBlockStore.Open(path);
            try
            {
                if (BootRecord.Open(store) is not { } record) originOfNew = BootOrigin.Lost;   // it could have been this guest's
                else if (record.IsOf(hash)) return new HeldRecord(store, record, path);
            }
            catch
            {
                store.Dispose();
                throw;
            }

            store.Dispose();
        }

        return Begin(path, hash, originOfNew);
    }

    /// <summary>Whether the vTPM has served this guest already, or could have: the record does not say whose it is.</summary>
    /// <exception cref="IOException">It is in use, or cannot be read.</exception>
    public bool HasServed(Guid uuid, string guest)
    {
        string path = PathOf(uuid);
        if (!File.Exists(path)) return false;
        using FileBlockStore store = FileBlockStore.Open(path);
        return BootRecord.Open(store) is not { } record || record.IsOf(Hash(uuid, guest));
    }

    private string PathOf(Guid uuid) => Path.Combine(folder, $"{uuid:D}.boot");

    private static byte[] Hash(Guid uuid, string guest) => SHA256.HashData(Encoding.UTF8.GetBytes($"{uuid:D} {guest}"));

    // Another file in the place of the old one, to which a process that is about to end may still write.
    private static HeldRecord Begin(string path, byte[] guest, BootOrigin origin)
    {
        FileBlockStore store = FileBlockStore.Make(path + ".new", BootRecord.Length);
        try
        {
            return new HeldRecord(store, BootRecord.Create(store, guest, origin), path) { IsNew = true };
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }
}

/// <summary>A record that is open and locked, for a process that is started with it.</summary>
internal sealed class HeldRecord(FileBlockStore store, BootRecord record, string path) : IDisposable
{
    /// <summary>It has not its name yet.</summary>
    public bool IsNew { get; set; }

    public FileBlockStore Store => store;

    public BootRecord Record => record;

    /// <summary>The vTPM is about to serve the guest: the record gets its name, in the place of one of another boot.</summary>
    /// <exception cref="StorageException">It gets none.</exception>
    public void Settle()
    {
        if (!IsNew) return;
        store.MoveTo(path);
        IsNew = false;
    }

    public void Dispose() => store.Dispose();
}
