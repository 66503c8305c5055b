using System.Security.Cryptography;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>Format version 1: groups with more platforms and kernels than their sector has room for.</summary>
public sealed class ManagerImageLongListTests
{
    private const int Sector = 4096;

    [Theory]
    [InlineData(5, 16, 0)]
    [InlineData(6, 16, 1)]
    [InlineData(5, 17, 1)]
    [InlineData(13, 0, 1)]
    [InlineData(14, 6, 1)]
    [InlineData(18, 22, 1)]
    [InlineData(19, 23, 1)]
    [InlineData(27, 300, 1)]
    [InlineData(1, 217, 1)]
    [InlineData(1, 218, 1)]
    [InlineData(ManagerGroup.MaxPlatforms, ManagerGroup.MaxKernels, 1)]
    public void Save_ListsOfEveryLength_AreFoundAgainByBothReaders(int platforms, int kernels, uint version)
    {
        byte[] disk = new byte[1024 * Sector];
        using ManagerImage image = NewImage(new MemoryBlockStore(disk));
        image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(platforms), SoftSealer.Kernels(kernels));
        image.AddGroup().SetConfiguration(2, SoftSealer.Platforms(platforms), SoftSealer.Kernels(kernels));
        image.Groups[1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        Assert.Equal(version, image.FormatVersion);
        for (int save = 0; save < 3; save++)
        {
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            string expected = Snapshot.Of(image);
            Assert.Equal(expected, ReferenceReader.Read(disk, 1, out uint found));
            Assert.Equal(version, found);
            using ManagerImage reopened = Reopen(disk);
            Assert.Equal(expected, Snapshot.Of(reopened));
            Assert.Equal(version, reopened.FormatVersion);
        }
    }

    /// <summary>The original's version comes back with the original's lists, and with each the sectors that the lists had.</summary>
    [Fact]
    public void Save_ListsGrowAndShrink_ChangesTheVersionAndKeepsNoSector()
    {
        byte[] disk = new byte[128 * Sector];
        using ManagerImage image = NewImage(new MemoryBlockStore(disk));
        image.Save();
        image.Save();
        int free = image.Space.Available;
        foreach ((int platforms, int kernels, uint version) in new[] { (40, 400, 1u), (5, 16, 0u), (20, 3, 1u), (41, 400, 1u), (41, 0, 1u), (1, 17, 1u), (1, 0, 0u) })
        {
            image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(platforms), SoftSealer.Kernels(kernels));
            for (int save = 0; save < 3; save++)
            {
                Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                Assert.Equal(Snapshot.Of(image), ReferenceReader.Read(disk, 1, out uint found));
                Assert.Equal(version, found);
            }

            Assert.Equal(version, Header(disk, 0));
            Assert.Equal(version, Header(disk, 1));
            using ManagerImage reopened = Reopen(disk);
            Assert.Equal(reopened.Space.Available, image.Space.Available);
            Assert.Equal(ManagerWrite.Saved, reopened.Save().Write);
        }

        Assert.Equal(free, image.Space.Available);
    }

    [Fact]
    public void Save_OneKeyInAGroupWithLongLists_CostsItsOwnSectors()
    {
        var store = new RecordingStore(new byte[512 * Sector]);
        using ManagerImage image = NewImage(store);
        image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(200), SoftSealer.Kernels(3000));
        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.Save();
        image.Save();
        for (int i = 0; i < 3; i++)
        {
            store.Restart();
            image.Groups[0].VtpmAt(0).SetKeyData([(byte)i]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(4, store.Operations.Count);   // vTPM, group, root, barrier
        }

        using ManagerImage reopened = Reopen(store.Bytes);
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
    }

    /// <summary>A hardware TPM seals a few times a second.</summary>
    [Fact]
    public void Save_OnePlatformMore_SealsToThatOneAlone()
    {
        var sealer = new SoftSealer();
        byte[] disk = new byte[128 * Sector];
        using ManagerImage image = ManagerImage.Create(new MemoryBlockStore(disk), sealer);
        ManagerGroup group = image.Groups[0];
        Assert.Equal(2 * 100, Seals(image, sealer, () => group.SetConfiguration(1, SoftSealer.Platforms(100), [])));
        Assert.Equal(0, Seals(image, sealer, () => group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None)));
        Assert.Equal(2, Seals(image, sealer, () => group.SetConfiguration(2, SoftSealer.Platforms(101), [])));
        Assert.Equal(0, Seals(image, sealer, () => group.SetConfiguration(3, SoftSealer.Platforms(50), [])));
        Assert.Equal(2 * 50, Seals(image, sealer, () => group.SetConfiguration(4, SoftSealer.Platforms(50), [])));   // the same once more: all anew
        Assert.Equal(50, Seals(image, sealer, group.RotateKeys));
        Assert.Equal(50, Seals(image, sealer, image.RotateKey));
        Assert.Equal(50, Seals(image, sealer, () => image.SetNvram(3, default)));
        Assert.Equal(102, Seals(image, sealer, () =>
        {
            group.RotateKeys();
            group.SetConfiguration(5, SoftSealer.Platforms(51), []);   // 51 of the group, whose keys are new, and one of the image
            image.AddGroup().SetConfiguration(1, SoftSealer.Platforms(50), []);
        }));
        foreach (PlatformConfiguration platform in SoftSealer.Platforms(51))
        {
            using ManagerImage there = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer { Present = platform.DigestRelease }).Image!;
            Assert.Equal(group.GroupKey, there.Groups[0].GroupKey);
        }
    }

    [Fact]
    public void ClosedGroup_WithLongLists_IsCarriedThroughANewImageKey()
    {
        byte[] disk = new byte[128 * Sector];
        Guid uuid = Guid.NewGuid();
        PlatformConfiguration there = SoftSealer.Platforms(40)[39];
        using (ManagerImage image = NewImage(new MemoryBlockStore(disk)))
        {
            image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1), there], []);
            ManagerGroup group = image.AddGroup();
            group.SetConfiguration(1, SoftSealer.Platforms(40)[1..], SoftSealer.Kernels(700));
            group.AddVtpm(uuid, ManagerVtpmFlags.None)!.SetKeyData([1, 2, 3]);
            image.Save();
        }

        using (ManagerImage here = Reopen(disk))
        {
            Assert.False(here.Groups[1].IsOpen);
            Assert.Equal(700, here.Groups[1].Kernels.Count);
            Assert.Throws<InvalidOperationException>(here.Groups[1].RotateKeys);   // its keys are not known: nothing could be written under new ones
            here.RotateKey();
            Assert.Equal(ManagerWrite.Saved, here.Save().Write);
            here.Groups[0].RotateKeys();
            Assert.Equal(ManagerWrite.Saved, here.Save().Write);
            Assert.Equal(Snapshot.Of(here), ReferenceReader.Read(disk));
        }

        using ManagerImage elsewhere = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer { Present = there.DigestRelease }).Image!;
        Assert.True(elsewhere.Groups[1].IsOpen);
        Assert.Equal([1, 2, 3], elsewhere.FindVtpm(uuid)!.KeyData[..3].ToArray());
        Assert.Equal(39, elsewhere.Groups[1].Platforms.Count);
    }

    [Fact]
    public void Save_LongLists_SurvivesPowerCutsAndFailures()
    {
        var random = new Random(PowerCuts.Seed);
        var store = new RecordingStore(new byte[96 * Sector]);
        using ManagerImage image = NewImage(store);
        image.Save();
        Action[] changes =
        [
            () => image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(30), SoftSealer.Kernels(40)),
            () => image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None),
            () => image.AddGroup().SetConfiguration(2, SoftSealer.Platforms(3), SoftSealer.Kernels(300)),
            image.RotateKey,
            () => image.Groups[1].RotateKeys(),
            () => image.Groups[0].SetConfiguration(3, SoftSealer.Platforms(2), []),
            () => image.Groups[1].SetConfiguration(3, SoftSealer.Platforms(2), []),
            () => image.RemoveGroup(image.Groups[1]),
        ];
        foreach (Action change in changes)
        {
            (string old, byte[] before) = (Snapshot.Of(image), [.. store.Bytes]);
            for (int failAt = 0; failAt < 3; failAt++)
            {
                store.Restart();
                (store.FailAt, store.Moment) = (random.Next(4), (FaultMoment)failAt);
                change();
                Assert.Equal(ManagerWrite.Failed, image.Save().Write);
                Assert.Equal(old, Snapshot.Of(image));
                using ManagerImage found = Reopen(store.Bytes);
                Assert.Equal(old, Snapshot.Of(found));
            }

            before = [.. store.Bytes];
            store.Restart();
            change();
            string changed = Snapshot.Of(image);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, random, PowerCuts.Each))
            {
                using ManagerImage found = Reopen(cut.Disks[0]);
                string text = Snapshot.Of(found);
                Assert.True(text == changed || (cut.Done < store.Operations.Count && text == old), cut.Name);
            }
        }
    }

    [Fact]
    public void Open_ChainDamagedOrLyingOrUsedTwice_IsDamaged()
    {
        var store = new RecordingStore(new byte[96 * Sector]);
        using ManagerImage image = NewImage(store);
        image.Groups[0].SetConfiguration(2, [SoftSealer.Platform(1)], SoftSealer.Kernels(700));
        image.Save();
        uint[] chain = [.. image.Groups[0].Chain.Sectors];
        Assert.Equal(4, chain.Length);
        uint group = image.Groups[0].Disk!.Value.Location;
        var disk = new SectorDisk(store);
        Aes key = image.Keys.Key.Cipher;
        var plain = new byte[SectorDisk.PlainSize];

        // The location of the next one, which no hash covers; counts and entries, which one does.
        foreach ((uint sector, int at, uint value) in new[]
        {
            (chain[0], 0, chain[0]), (chain[0], 0, chain[2]), (chain[0], 0, group), (chain[0], 0, 3u), (chain[0], 0, 0u), (chain[0], 0, 5000u), (chain[3], 0, chain[1]),
            (chain[1], 36, 1u), (chain[1], 40, 200u), (chain[1], 44, 0u), (chain[3], 4000, 7u), (group, 3552, 0u), (group, 3552, chain[1]),
        })
        {
            byte[] before = [.. store.Bytes];
            Assert.True(disk.TryRead(key, sector, plain));
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(plain.AsSpan(at), value);
            disk.Write(key, sector, plain);
            ManagerOpen open = ManagerImage.Open(store, new SoftSealer());
            Assert.True(open.Content == ManagerImageContent.Damaged, $"{sector} {at} {value}: {open.Content}");
            Assert.Contains("configuration of the group", open.Reason, StringComparison.Ordinal);
            before.CopyTo(store.Bytes, 0);
        }

        Assert.Equal(ManagerImageContent.Opened, ManagerImage.Open(store, new SoftSealer()).Content);
    }

    [Fact]
    public void Open_NewerVersionInEitherRoot_IsRefusedWithoutTakingTheOther()
    {
        byte[] disk = new byte[96 * Sector];
        using (ManagerImage image = NewImage(new MemoryBlockStore(disk)))
        {
            image.Save();
            image.Save();
        }

        for (int root = 0; root < 2; root++)
        {
            byte[] newer = (byte[])disk.Clone();
            newer[(root * Sector) + 15] = 2;
            ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(newer), new SoftSealer());
            Assert.Equal(ManagerImageContent.NewerVersion, open.Content);
            Assert.Contains($"root {root} of the image has format version 2", open.Reason, StringComparison.Ordinal);
        }
    }

    /// <summary>In version 0 the fields of the chain are noise of the original's, and long lists are damage.</summary>
    [Fact]
    public void Open_LongListsInAnImageOfVersionZero_IsDamaged()
    {
        byte[] disk = new byte[96 * Sector];
        using (ManagerImage image = NewImage(new MemoryBlockStore(disk)))
        {
            image.Groups[0].SetConfiguration(2, [SoftSealer.Platform(1)], SoftSealer.Kernels(20));
            image.Save();
            image.Save();
        }

        (disk[15], disk[Sector + 15]) = (0, 0);
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal(ManagerImageContent.Damaged, open.Content);
        Assert.Contains("20 kernels", open.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void SetConfiguration_BeyondTheLimits_IsRefused()
    {
        using ManagerImage image = NewImage(new MemoryBlockStore(8 * Sector));
        Assert.Throws<ArgumentException>(() => image.Groups[0].SetConfiguration(1, SoftSealer.Platforms(ManagerGroup.MaxPlatforms + 1), []));
        Assert.Throws<ArgumentException>(() => image.Groups[0].SetConfiguration(1, [], new TpmDigest[ManagerGroup.MaxKernels + 1]));
        image.Groups[0].SetConfiguration(1, SoftSealer.Platforms(100), []);
        Assert.Equal(ManagerWrite.Full, image.Save().Write);
    }

    /// <summary>An image that is full goes on in a larger file.</summary>
    [Fact]
    public void Image_MovedToALargerStore_UsesIt()
    {
        byte[] disk = new byte[ManagerImage.DefaultLength];
        using (ManagerImage image = NewImage(new MemoryBlockStore(disk)))
        {
            for (int i = 0; i < 24_000; i++) image.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(i), ManagerVtpmFlags.None);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            for (int i = 24_000; i < 30_000; i++) image.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(i), ManagerVtpmFlags.None);
            Assert.Equal(ManagerWrite.Full, image.Save().Write);
        }

        byte[] larger = [.. disk, .. new byte[3 * ManagerImage.DefaultLength]];
        using ManagerImage moved = Reopen(larger);
        for (int i = 24_000; i < 30_000; i++) moved.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(i), ManagerVtpmFlags.None);
        Assert.Equal(ManagerWrite.Saved, moved.Save().Write);
        using ManagerImage again = Reopen(larger);
        Assert.Equal(30_000, again.Groups[0].VtpmCount);
        Assert.Equal(Snapshot.HashOf(moved), Snapshot.HashOf(again));
    }

    private static int Seals(ManagerImage image, SoftSealer sealer, Action change)
    {
        int before = sealer.Sealed;
        change();
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        return sealer.Sealed - before;
    }

    private static uint Header(byte[] disk, int root) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(disk.AsSpan((root * Sector) + 12));

    private static ManagerImage NewImage(IBlockStore store)
    {
        ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        return image;
    }

    private static ManagerImage Reopen(byte[] disk)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        return open.Image!;
    }
}
