using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Instance;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Storage.Tests;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// The life of one write, whole: a vTPM's slot, barrier, SAVEHASHKEY, the manager's sectors, barrier, answer. The power goes anywhere in it, for both
/// disks at once; then both start again, and the vTPM has what was acknowledged to its guest, or what was being written.
/// </summary>
public sealed class PowerCutTests
{
    private const int VtpmDisk = 0;
    private const int ManagerDisk = 1;

    private static readonly Guid Uuid = new("31111111-2222-3333-4444-555555555555");
    private static readonly Guid Other = new("32222222-2222-3333-4444-555555555555");

    private readonly Random _random = new(PowerCuts.Seed);

    [Fact]
    public void Write_PowerCutAnywhere_LeavesWhatWasAcknowledged()
    {
        using var hardware = ManagerRig.CreateOwned(HardwareKind.Engine);
        var vtpmStore = new RecordingStore(new byte[64 * 1024]);
        var managerStore = new RecordingStore(new byte[64 * 4096]);
        var history = new List<DiskOperation>();
        using var rig = new ManagerRig(hardware, [], with: options => Unguarded(options) with { Image = managerStore });
        byte[][] before = [[.. vtpmStore.Bytes], [.. managerStore.Bytes]];
        vtpmStore.Observe = operation => history.Add(new(VtpmDisk, operation));
        managerStore.Observe = operation => history.Add(new(ManagerDisk, operation));

        // What was acknowledged when so many operations had returned.
        var acknowledged = new List<(int Operations, byte[] State)>();
        var image = new VtpmImage(vtpmStore);
        image.StartFresh();
        var store = new ImageStateStore(image, new Instance.ManagerLink(() => rig.Connect(ManagerLink.ToVtpm(Uuid, VtpmLabel.OnSocket(Uuid)))), _ => { });
        using VtpmManagerClient other = rig.Vtpm(Other);
        for (int i = 0; i < 5; i++)
        {
            byte[] state = RandomNumberGenerator.GetBytes(1000 + (700 * i));
            store.Save(state);
            acknowledged.Add((history.Count, state));
            // Others' saves come in between, and take sectors and roots in turn.
            if (i % 2 == 1) other.SaveHashKey(RandomNumberGenerator.GetBytes(VtpmHashKey.MinSize));
        }

        int cuts = 0;
        foreach (PowerCut cut in PowerCuts.Of(before, history, _random, PowerCuts.Each))
        {
            int last = acknowledged.FindLastIndex(entry => entry.Operations <= cut.Done);
            byte[]? found = Found(hardware, cut);
            bool isAcknowledged = last < 0 ? found is null : found.AsSpan().SequenceEqual(acknowledged[last].State);
            bool isNext = last + 1 < acknowledged.Count && found.AsSpan().SequenceEqual(acknowledged[last + 1].State);
            Assert.True(isAcknowledged || isNext, $"{cut.Name}: {found?.Length ?? -1} bytes");
            cuts++;
        }

        Assert.True(cuts > 60, $"{cuts}");
    }

    // One hardware TPM stands here for that of every moment, and would know that the disks are old. RollbackCrashTests goes through moments with
    // theirs.
    private static ManagerOptions Unguarded(ManagerOptions options) => options with { RollbackProtection = RollbackProtection.Off };

    /// <summary>What the vTPM loads after both have started again; null when the manager never heard of it.</summary>
    private static byte[]? Found(TestHardware hardware, PowerCut cut)
    {
        using var rig = new ManagerRig(hardware, cut.Disks[ManagerDisk], provision: false, with: Unguarded);
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        byte[] hashKey = new byte[VtpmHashKey.MaxSize];
        int length = vtpm.LoadHashKey(hashKey);
        if (length == 0) return null;
        VtpmImageLoad load = new VtpmImage(new MemoryBlockStore(cut.Disks[VtpmDisk])).Load(hashKey.AsSpan(0, VtpmImage.HashKeySize));
        Assert.True(load.Content == VtpmImageContent.Loaded, $"{cut.Name}: {load.Reason}");
        return load.State;
    }
}
