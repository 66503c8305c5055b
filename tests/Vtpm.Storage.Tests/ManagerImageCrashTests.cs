using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>
/// The power goes at every write and every barrier of a save: afterwards the image opens, and has the last acknowledged state or the one that was
/// being written. A short form; <c>VTPM_CUTS=1000</c> is a long one.
/// </summary>
public sealed class ManagerImageCrashTests
{
    private const int Sector = 4096;

    private readonly Random _random = new(PowerCuts.Seed);

    [Fact]
    public void Save_OfEveryKind_SurvivesPowerCuts()
    {
        var store = new RecordingStore(new byte[64 * Sector]);
        using ManagerImage image = NewImage(store);
        ManagerGroup group = image.Groups[0];
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Action[] changes =
        [
            () => AddVtpms(group, 1),
            () => SetKey(group, 0),
            () => AddVtpms(group, 60),
            () => image.AddGroup().SetConfiguration(3, [SoftSealer.Platform(1)], [SoftSealer.Configuration(7)]),
            () => AddVtpms(image.Groups[1], 50),
            () => group.SetConfiguration(4, [SoftSealer.Platform(1), SoftSealer.Platform(9)], []),
            () => SetKey(group, 60),
            image.RotateKey,
            group.RotateKeys,
            () => SetKey(group, 3),
            image.Groups[0].RotateKeys,
            () => image.Groups[1].RotateKeys(),
            () => group.RemoveVtpm(group.VtpmAt(2)),
            () => image.SetCounterValue(17),
            () => image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, SoftMasks.Mask(1)),
            () => image.RemoveGroup(image.Groups[1]),
            () => { },
        ];
        foreach (Action change in changes) Check(store, image, change, Snapshot.Of, PowerCuts.Each);
    }

    /// <summary>GROUP_UPDATE saves twice, so that the earlier platforms open no root.</summary>
    [Fact]
    public void Save_TwiceForOtherPlatforms_SurvivesPowerCutsOnEither()
    {
        var store = new RecordingStore(new byte[32 * Sector]);
        using ManagerImage image = NewImage(store);
        image.Save();
        image.Save();
        (string old, byte[] before) = (Snapshot.Of(image), [.. store.Bytes]);
        store.Restart();
        image.Groups[0].SetConfiguration(4, [SoftSealer.Platform(2)], []);
        string changed = Snapshot.Of(image);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        int acknowledged = store.Operations.Count;
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, _random, PowerCuts.Each))
        {
            string? earlier = Found(cut.Disks[0], 1), later = Found(cut.Disks[0], 2);
            // Which of the two platforms opens it changes with the save; the approved one does once that was acknowledged.
            if (cut.Done >= acknowledged) Assert.True(later == changed, cut.Name);
            else Assert.True(later == changed || earlier == old, cut.Name);
            if (cut.Done == store.Operations.Count) Assert.True(earlier is null, cut.Name);
        }
    }

    [Theory]
    [InlineData(16 * 48)]
    [InlineData((112 * 48) + 5)]
    public void Save_TreeGrowsAndShrinks_SurvivesPowerCuts(int vtpms)
    {
        var store = new RecordingStore(new byte[512 * Sector]);
        using ManagerImage image = NewImage(store);
        ManagerGroup group = image.Groups[0];
        AddVtpms(group, vtpms);
        image.Save();
        Check(store, image, () => AddVtpms(group, 1), Snapshot.HashOf, 1);
        Check(store, image, () => AddVtpms(group, 47), Snapshot.HashOf, 1);
        Check(store, image, () => SetKey(group, vtpms), Snapshot.HashOf, PowerCuts.Each);
        Check(store, image, () => group.RemoveVtpm(group.VtpmAt(vtpms)), Snapshot.HashOf, 1);
        Check(
            store, image,
            () =>
            {
                for (int i = 0; i < 47; i++) group.RemoveVtpm(group.VtpmAt(0));
            },
            Snapshot.HashOf, 1);
    }

    /// <summary>More than 16 * 112 sectors of vTPMs: trees of two levels.</summary>
    [Fact]
    public void Save_TreeOfTwoLevels_SurvivesPowerCuts()
    {
        var store = new RecordingStore(new byte[2048 * Sector]);
        using ManagerImage image = NewImage(store);
        ManagerGroup group = image.Groups[0];
        AddVtpms(group, 16 * 112 * 48);
        image.Save();
        (string old, byte[] before) = (Snapshot.HashOf(image), [.. store.Bytes]);
        store.Restart();
        AddVtpms(group, 1);
        string changed = Snapshot.HashOf(image);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        int stride = PowerCuts.IsLong ? 1 : 41;   // each opens 1,800 sectors
        foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, _random, 1).Where((_, i) => i % stride == 0))
            Check(cut, store.Operations.Count, old, changed, Snapshot.HashOf);
    }

    /// <summary>With no room for a third generation every save takes the sectors of the root before.</summary>
    [Fact]
    public void Save_WithoutSectorsToSpare_SurvivesPowerCuts()
    {
        var store = new RecordingStore(new byte[12 * Sector]);
        using ManagerImage image = NewImage(store);
        ManagerGroup group = image.Groups[0];
        AddVtpms(group, 97);   // with the group, four sectors of eight
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        for (int round = 0; round < 4; round++)
        {
            Check(
                store, image,
                () =>
                {
                    for (int page = 0; page < 3; page++) SetKey(group, page * 48);
                },
                Snapshot.Of, PowerCuts.Each);
        }
    }

    /// <summary>One cut after the other, on what the one before has left.</summary>
    [Fact]
    public void Save_PowerCutAfterPowerCut_NeverLosesWhatWasAcknowledged()
    {
        int rounds = 60 * PowerCuts.Each;
        byte[] disk = new byte[24 * Sector];
        using (ManagerImage first = NewImage(new MemoryBlockStore(disk))) Assert.Equal(ManagerWrite.Saved, first.Save().Write);
        string expected = Found(disk)!;
        for (int round = 0; round < rounds; round++)
        {
            var store = new RecordingStore((byte[])disk.Clone());
            using ManagerImage image = ManagerImage.Open(store, new SoftSealer()).Image!;
            store.Restart();
            string acknowledged = expected;
            int acknowledgedAt = 0;
            var states = new List<(int Begun, string State)>();
            for (int saves = _random.Next(1, 4); saves > 0; saves--)
            {
                int begun = store.Operations.Count;
                RandomChange(image);
                string state = Snapshot.Of(image);
                ManagerSave save = image.Save();
                if (save.Write == ManagerWrite.Saved) states.Add((begun, state));
                else Assert.Equal(ManagerWrite.Full, save.Write);
            }

            PowerCut[] cuts = [.. PowerCuts.Of(disk, store.Operations, _random, 1)];
            PowerCut cut = cuts[_random.Next(cuts.Length)];
            for (int i = 0; i < states.Count; i++)
            {
                int ended = i + 1 < states.Count ? states[i + 1].Begun : store.Operations.Count;
                if (cut.Done >= ended) (acknowledged, acknowledgedAt) = (states[i].State, i + 1);
            }

            string? found = Found(cut.Disks[0]);
            Assert.True(found == acknowledged || (acknowledgedAt < states.Count && found == states[acknowledgedAt].State), $"round {round}, {cut.Name}: {found}");
            (disk, expected) = (cut.Disks[0], found!);
        }
    }

    private void Check(RecordingStore store, ManagerImage image, Action change, Func<ManagerImage, string> snapshot, int each)
    {
        string old = snapshot(image);
        byte[] before = [.. store.Bytes];
        store.Restart();
        change();
        string changed = snapshot(image);
        ManagerSave save = image.Save();
        Assert.True(save.Write == ManagerWrite.Saved, save.Reason);
        foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, _random, each))
            Check(cut, store.Operations.Count, old, changed, snapshot);
    }

    private static void Check(PowerCut cut, int operations, string old, string changed, Func<ManagerImage, string> snapshot)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(cut.Disks[0]), new SoftSealer(), new SoftMasks(SoftMasks.Mask(1)));
        Assert.True(open.Content == ManagerImageContent.Opened, $"{cut.Name}: {open.Content} {open.Reason}");
        using ManagerImage image = open.Image!;
        string found = snapshot(image);
        Assert.True(found == changed || (cut.Done < operations && found == old), cut.Name);
        Assert.All(image.Groups, group => Assert.False(group.RollbackDetected, cut.Name));
    }

    private void RandomChange(ManagerImage image)
    {
        ManagerGroup group = image.Groups[_random.Next(image.Groups.Count)];
        switch (_random.Next(10))
        {
            case 0 when group.VtpmCount > 0:
                group.RemoveVtpm(group.VtpmAt(_random.Next(group.VtpmCount)));
                break;
            case 1 when image.Groups.Count < 4:
                image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
                break;
            case 2 when group.Index > 0:
                image.RemoveGroup(group);
                break;
            case 3:
                group.RotateKeys();
                break;
            case 4:
                image.RotateKey();
                break;
            case 5:
                group.SetConfiguration(group.ConfigurationSequence + 1, [SoftSealer.Platform(1), SoftSealer.Platform((byte)_random.Next(2, 9))], []);
                break;
            case 6 when group.VtpmCount < 150:
                AddVtpms(group, _random.Next(1, 60));
                break;
            case >= 6 when group.VtpmCount > 0:
                SetKey(group, _random.Next(group.VtpmCount));
                break;
            default:
                AddVtpms(group, 1);
                break;
        }
    }

    private static ManagerImage NewImage(IBlockStore store)
    {
        ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        return image;
    }

    private static void AddVtpms(ManagerGroup group, int count)
    {
        for (int i = 0; i < count; i++) group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
    }

    private static void SetKey(ManagerGroup group, int vtpm) => group.VtpmAt(vtpm).SetKeyData(RandomNumberGenerator.GetBytes(52));

    /// <summary>The state that the platform opens; null when it opens none.</summary>
    private static string? Found(byte[] disk, byte configuration = 1)
    {
        using ManagerImage? image = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer(configuration)).Image;
        return image is null ? null : Snapshot.Of(image);
    }
}
