using Vtpm.Client;

namespace Vtpm.Bench;

/// <summary>A stand-in for a hardware TPM and a manager's image of so many vTPMs, all of it made as a site makes it.</summary>
internal sealed class ManagerSite : IDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly string _vtpm;

    public ManagerSite(Peer ours, int vtpms, string stateOn)
    {
        _vtpm = ours.Executable;
        _folder = Directory.CreateDirectory(Path.Combine(stateOn, $"m-{Guid.NewGuid():N}"[..10]));
        Uuids = [.. Enumerable.Range(0, vtpms).Select(_ => Guid.NewGuid())];
        Hardware = new TpmProcess(ours, stateOn);
        try
        {
            Hardware.Start();
            Hardware.MakeReady();
            MakeImage();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<Guid> Uuids { get; }

    public TpmProcess Hardware { get; }

    public string Folder => _folder.FullName;

    public string Image => Path.Combine(Folder, "i");

    /// <param name="listening">vTPMs with a socket.</param>
    /// <param name="hardware">Instead of the stand-in's own socket.</param>
    public ManagerProcess StartManager(IReadOnlyList<Guid> listening, string? hardware = null) =>
        new(_vtpm, Folder, Image, hardware ?? Hardware.SocketPath, listening);

    /// <summary>vTPMs as far from each other as may be: no two of them in one sector while there are sectors enough.</summary>
    public Guid[] Spread(int count) => [.. Enumerable.Range(0, count).Select(i => Uuids[(int)((long)i * Uuids.Count / count)])];

    public void Dispose()
    {
        Hardware.Dispose();
        _folder.Delete(recursive: true);
    }

    // By the admin socket, each vTPM with a save of its own; in memory, where a barrier costs nothing, and then moved to the disk.
    private void MakeImage()
    {
        string inMemory = Path.Combine("/dev/shm", $"vtpm-bench-{Environment.ProcessId}-{_folder.Name}");
        try
        {
            using (ManagerProcess manager = new(_vtpm, Folder, inMemory, Hardware.SocketPath, []))
            using (VtpmManagement administrator = manager.ConnectAdministrator())
            {
                foreach (Guid uuid in Uuids) administrator.NewVtpm(0, uuid);
            }

            File.Copy(inMemory, Image);
            using FileStream image = File.OpenWrite(Image);
            image.Flush(flushToDisk: true);
        }
        finally
        {
            File.Delete(inMemory);
        }
    }
}
