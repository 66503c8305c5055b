using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

public sealed class ManagerImageTests
{
    private const int Size = 64 * 4096;

    [Fact]
    public void Save_GroupZeroWithoutPlatform_WritesNothingAndSaysSo()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        Assert.False(image.IsPersistent);
        Guid uuid = Guid.NewGuid();
        image.Groups[0].AddVtpm(uuid, ManagerVtpmFlags.Admin);
        ManagerSave save = image.Save();
        Assert.Equal(ManagerWrite.NotSealed, save.Write);
        Assert.NotEmpty(save.Reason);
        Assert.Empty(store.Operations);
        Assert.NotNull(image.FindVtpm(uuid));

        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        Assert.True(image.IsPersistent);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.NotNull(Reopen(store).FindVtpm(uuid));
    }

    [Fact]
    public void Save_EveryKindOfChange_IsFoundAgain()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        var random = new Random(1);
        Action[] changes =
        [
            () => image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None)!.SetKeyData(RandomNumberGenerator.GetBytes(52)),
            () => image.Groups[0].VtpmAt(0).SetKeyData(RandomNumberGenerator.GetBytes(64)),
            () => image.Groups[0].VtpmAt(0).SetFlags((ManagerVtpmFlags)random.Next(65536)),
            () => image.AddGroup().SetConfiguration(3, [SoftSealer.Platform(1)], [SoftSealer.Configuration(5)]),
            () => image.Groups[1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None),
            () => image.Groups[1].SetIdentity(new byte[256], GoldenManagerImage.Pattern(1, 256), new byte[256], new byte[256]),
            () => image.Groups[0].RotateKeys(),
            image.RotateKey,
            () => image.SetCounter(7, default),
            () => image.SetNvram(8, default),   // without a mask: KeyMaskTests has those with one
            () => image.SetCounterValue(99),
            () => image.Groups[0].SetConfiguration(4, [SoftSealer.Platform(1), SoftSealer.Platform(9)], []),
            () => image.Groups[0].RemoveVtpm(image.Groups[0].VtpmAt(0)),
            () => image.RemoveGroup(image.Groups[1]),
        ];
        foreach (Action change in changes)
        {
            change();
            string expected = Snapshot.Of(image);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            using ManagerImage reopened = Reopen(store);
            Assert.Equal(expected, Snapshot.Of(reopened));
            AssertNoSectorIsLost(image, reopened);
        }
    }

    [Fact]
    public void Rollback_EveryKindOfChange_IsTakenBack()
    {
        var store = new RecordingStore(new byte[Size * 8]);
        using ManagerImage image = NewImage(store);
        for (int i = 0; i < 97; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.AddGroup().SetConfiguration(3, [SoftSealer.Platform(1)], [SoftSealer.Configuration(5)]);
        image.Groups[1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.Save();
        string expected = Snapshot.Of(image);

        Change(image);
        Assert.NotEqual(expected, Snapshot.Of(image));
        image.Rollback();
        Assert.Equal(expected, Snapshot.Of(image));
        Assert.All(image.Groups.SelectMany(group => group.Vtpms), vtpm => Assert.Same(vtpm, image.FindVtpm(vtpm.Uuid)));

        // And nothing of it is written later; what memory believes of the disk is still true.
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(expected, Snapshot.Of(Reopen(store)));
        for (int i = 0; i < 4; i++)
        {
            image.Groups[0].VtpmAt(i * 20).SetKeyData([(byte)i]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(Snapshot.Of(image), Snapshot.Of(Reopen(store)));
        }
    }

    [Fact]
    public void Save_FailsAnywhere_KeepsTheOldStateAndTheNextSaveSucceeds()
    {
        foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
        {
            for (int operation = 0, finished = 0; finished == 0; operation++)
            {
                var store = new RecordingStore(new byte[Size * 8]);
                using ManagerImage image = NewImage(store);
                for (int i = 0; i < 97; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
                image.AddGroup().SetConfiguration(3, [SoftSealer.Platform(1)], []);
                image.Groups[1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
                image.Save();
                string expected = Snapshot.Of(image);

                store.Restart();
                (store.FailAt, store.Moment) = (operation, moment);
                Change(image);
                ManagerSave save = image.Save();
                if (save.Write == ManagerWrite.Saved)
                {
                    Assert.True(operation > 5, "a save has more operations than that");
                    finished = operation;
                    continue;
                }

                Assert.Equal(ManagerWrite.Failed, save.Write);
                Assert.False(save.InDoubt);
                Assert.Equal(expected, Snapshot.Of(image));
                Assert.Equal(expected, Snapshot.Of(Reopen(store)));

                store.Restart();
                Change(image);
                string changed = Snapshot.Of(image);
                Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                Assert.Equal(changed, Snapshot.Of(Reopen(store)));
            }
        }
    }

    [Fact]
    public void Save_PowerCutAnywhere_LeavesTheLastAcknowledgedStateOrTheNew()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Save();
        Action[] changes =
        [
            () => image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None),
            () => image.Groups[0].VtpmAt(0).SetKeyData(RandomNumberGenerator.GetBytes(52)),
            () => image.AddGroup().SetConfiguration(3, [SoftSealer.Platform(1)], []),
            image.RotateKey,
            () => image.Groups[0].SetConfiguration(4, [SoftSealer.Platform(9), SoftSealer.Platform(1)], []),
            () => image.Groups[0].VtpmAt(0).SetKeyData(RandomNumberGenerator.GetBytes(52)),
        ];
        foreach (Action change in changes)
        {
            string old = Snapshot.Of(image);
            byte[] before = [.. store.Bytes];
            store.Restart();
            change();
            string changed = Snapshot.Of(image);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, store.Operations))
            {
                ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
                Assert.True(open.Content == ManagerImageContent.Opened, $"{name}: {open.Content} {open.Reason}");
                string found = Snapshot.Of(open.Image!);
                Assert.True(found == changed || (!acknowledged && found == old), name);
            }
        }
    }

    [Fact]
    public void FirstSave_PowerCutAnywhere_NeverLooksLikeAState()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Save();
        foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(new byte[Size], store.Operations))
        {
            ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
            if (open.Content == ManagerImageContent.Opened) Assert.Equal(Snapshot.Of(image), Snapshot.Of(open.Image!));
            else Assert.False(acknowledged, name);
        }
    }

    [Fact]
    public void Create_OverAnOlderImage_IsNotOvertakenByIt()
    {
        var store = new RecordingStore(new GoldenManagerImage { Root = 0, Sequence = 1000 }.Build(vtpms: 3).Disk);
        using ManagerImage image = NewImage(store);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(image.Uuid, Reopen(store).Uuid);
    }

    [Fact]
    public void Open_WhatIsNotThere_HasAnOutcomeOfItsOwn()
    {
        Assert.Equal(ManagerImageContent.Blank, Outcome(new byte[Size]));
        Assert.Equal(ManagerImageContent.TooSmall, Outcome(new byte[4096 * 7]));
        Assert.Equal(ManagerImageContent.TooSmall, Outcome([]));

        var lastByte = new byte[Size];
        lastByte[^1] = 1;
        Assert.Equal(ManagerImageContent.NotAnImage, Outcome(lastByte));

        byte[] golden = new GoldenManagerImage().Build(vtpms: 1).Disk;
        Assert.Equal(ManagerImageContent.NewerVersion, Outcome(With(golden, 4096 + 15, 2)));
        Assert.Equal(ManagerImageContent.NotAnImage, Outcome(With(golden, 4096, 0)));
        Assert.Equal(ManagerImageContent.CannotUnseal, Outcome(golden, new SoftSealer(2)));
        Assert.Equal(ManagerImageContent.CannotUnseal, Outcome(With(golden, 4096 + 24 + 44 + 1, 0)));
        Assert.Equal(ManagerImageContent.Damaged, Outcome(With(golden, (3 * 4096) + 500, 1)));
        Assert.Equal(ManagerImageContent.NeverSaved, Outcome([.. golden[..(2 * 4096)], .. new byte[2 * 4096], .. golden[(4 * 4096)..]]));

        ManagerOpen unreadable = ManagerImage.Open(new RecordingStore(golden) { FailsReads = true }, new SoftSealer());
        Assert.Equal(ManagerImageContent.Unreadable, unreadable.Content);
        Assert.Throws<TimeoutException>(() => ManagerImage.Open(new MemoryBlockStore(golden), new SoftSealer { IsBroken = true }));
    }

    [Fact]
    public void Open_AnySectorBelowTheOnlyRootDamaged_IsDamaged()
    {
        var golden = new GoldenManagerImage();
        byte[] disk = golden.Build(vtpms: 900, groups: 2).Disk;
        foreach (uint sector in golden.Sectors.Append(3u))
        {
            foreach (int at in new[] { 0, 20, 40, 4095 })
                Assert.Equal(ManagerImageContent.Damaged, Outcome(With(disk, ((int)sector * 4096) + at, (byte)~disk[((int)sector * 4096) + at])));
        }
    }

    [Fact]
    public void Open_NewerRootDamaged_TakesTheOlderAndWarns()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Save();
        string older = Snapshot.Of(image);
        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.Save();
        Assert.Equal("", ManagerImage.Open(store, new SoftSealer()).Reason);
        store.Bytes[(2 * 4096) + 100] ^= 1;
        ManagerOpen open = ManagerImage.Open(store, new SoftSealer());
        Assert.Equal(older, Snapshot.Of(open.Image!));
        Assert.Contains("root 0 does not verify", open.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_GroupZeroSealedElsewhere_DoesNotFallBackToTheOlderRoot()
    {
        byte[] disk = new GoldenManagerImage { Configuration = 2 }.Build(vtpms: 1).Disk;
        byte[] open = new GoldenManagerImage { Configuration = 1 }.Build(vtpms: 1).Disk;
        open.AsSpan(4096, 4096).CopyTo(disk.AsSpan(4096));   // the image's key for configuration 1, group 0's for 2
        Assert.Equal(ManagerImageContent.GroupZeroClosed, Outcome(disk));
    }

    [Fact]
    public void Open_MutatedImages_NeverThrows()
    {
        byte[] golden = new GoldenManagerImage().Build(vtpms: 60, groups: 2).Disk[..Size];
        var random = new Random(20260802);
        for (int round = 0; round < 1500; round++)
        {
            byte[] mutated = golden[..(round % 4 == 0 ? random.Next(golden.Length) : golden.Length)];
            for (int flips = 1 + random.Next(4); flips > 0 && mutated.Length > 0; flips--)
                mutated[random.Next(Math.Min(mutated.Length, 12 * 4096))] ^= (byte)(1 << random.Next(8));
            ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(mutated), new SoftSealer());
            Assert.Equal(open.Content == ManagerImageContent.Opened, open.Image is not null);
            open.Image?.Dispose();
        }
    }

    [Fact]
    public void Open_AuthenticHostileContents_NeverThrows()
    {
        // Whoever has the image's key, or a fault of another writer, can make sectors that verify and yet say nonsense.
        var random = new Random(20260803);
        using var aes = Aes.Create();
        aes.SetKey(GoldenManagerImage.ImageKey);
        byte[] golden = new GoldenManagerImage().Build(vtpms: 900, groups: 18).Disk;
        for (int round = 0; round < 1500; round++)
        {
            var store = new MemoryBlockStore((byte[])golden.Clone());
            var disk = new SectorDisk(store);
            uint sector = round % 2 == 0 ? 3 : (uint)random.Next(3, 60);
            var plain = new byte[SectorDisk.PlainSize];
            if (!disk.TryRead(aes, sector, plain)) continue;
            int field = random.Next(plain.Length / 4) * 4;
            byte[][] values = [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0, 0, 0, 4], [0, 0, 2, 0], [0, 0, 0, 17],
                [0x80, 0, 0, 0]];
            values[random.Next(values.Length)].CopyTo(plain, round % 10 == 0 ? 12 : field);
            disk.Write(aes, sector, plain);
            ManagerOpen open = ManagerImage.Open(store, new SoftSealer());
            Assert.True(open.Content is ManagerImageContent.Opened or ManagerImageContent.Damaged, $"{open.Content}");
            open.Image?.Dispose();
        }
    }

    [Fact]
    public void Open_SealListGoesOnElsewhere_IsFollowedAndNotRoundInCircles()
    {
        byte[] disk = new GoldenManagerImage().Build(vtpms: 1).Disk;
        disk.AsSpan(4096, 4096).CopyTo(disk.AsSpan(300 * 4096));   // the entry is in sector 300
        disk[4096 + 19] = 0;
        disk[4096 + 22] = 300 >> 8;
        disk[4096 + 23] = 300 & 0xFF;
        using ManagerImage image = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer()).Image!;
        Assert.Equal(1, image.Groups[0].VtpmCount);
        Assert.False(image.Space.IsFree(300));

        disk[(300 * 4096) + 19] = 0;
        disk[(300 * 4096) + 22] = 300 >> 8;
        disk[(300 * 4096) + 23] = 300 & 0xFF;
        Assert.Equal(ManagerImageContent.CannotUnseal, Outcome(disk));
    }

    [Fact]
    public void ClosedGroup_IsCarriedAlongAndCannotBeChanged()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store, 1, 2);
        ManagerGroup other = image.AddGroup();
        other.SetConfiguration(3, [SoftSealer.Platform(2)], []);
        Guid uuid = Guid.NewGuid();
        other.AddVtpm(uuid, ManagerVtpmFlags.None)!.SetKeyData([1, 2, 3]);
        image.Save();

        using (ManagerImage here = Reopen(store))
        {
            ManagerGroup closed = here.Groups[1];
            Assert.False(closed.IsOpen);
            Assert.Equal(other.Uuid, closed.Uuid);
            ManagerVtpm vtpm = here.FindVtpm(uuid)!;
            Assert.Throws<InvalidOperationException>(() => vtpm.KeyData.ToArray());
            Assert.Throws<InvalidOperationException>(() => vtpm.SetKeyData([1]));
            Assert.Throws<InvalidOperationException>(() => closed.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None));
            Assert.Throws<InvalidOperationException>(() => closed.RemoveVtpm(vtpm));
            Assert.Throws<InvalidOperationException>(closed.RotateKeys);
            Assert.Null(here.Groups[0].AddVtpm(uuid, ManagerVtpmFlags.None));
            here.RotateKey();
            Assert.Equal(ManagerWrite.Saved, here.Save().Write);
            here.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
            Assert.Equal(ManagerWrite.Saved, here.Save().Write);
        }

        using ManagerImage there = ManagerImage.Open(store, new SoftSealer(2)).Image!;
        Assert.True(there.Groups[1].IsOpen);
        Assert.Equal([1, 2, 3], there.FindVtpm(uuid)!.KeyData[..3].ToArray());

        // It had no part in two generations of the root, so its freshness is unproven.
        Assert.True(there.Groups[1].RollbackDetected);
        Assert.False(there.Groups[0].RollbackDetected);
        there.Groups[1].AcknowledgeRollback();
        there.Save();
        using ManagerImage again = ManagerImage.Open(store, new SoftSealer(2)).Image!;
        Assert.False(again.Groups[1].RollbackDetected);
    }

    [Fact]
    public void RollbackMark_IsSavedUntilAcknowledged()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Groups[0].MarkRollback();
        image.Save();
        using ManagerImage reopened = Reopen(store);
        Assert.True(reopened.Groups[0].RollbackDetected);
    }

    [Fact]
    public void Save_SealingRefused_TakesTheChangesBackAndLaterSavesWork()
    {
        var store = new RecordingStore(new byte[Size]);
        var sealer = new SoftSealer();
        using ManagerImage image = NewImage(store, sealer);
        image.Save();
        string old = Snapshot.Of(image);
        image.Groups[0].SetConfiguration(4, [SoftSealer.Platform(2)], []);
        sealer.Refuses = true;
        Assert.Equal(ManagerWrite.SealRefused, image.Save().Write);
        Assert.Equal(old, Snapshot.Of(image));
        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);   // asks for no sealing
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(Reopen(store)));

        sealer.IsBroken = true;
        old = Snapshot.Of(image);
        image.Groups[0].RotateKeys();
        Assert.Throws<TimeoutException>(() => image.Save());
        Assert.Equal(old, Snapshot.Of(image));
    }

    [Fact]
    public void Save_PlatformsOfGroupZeroChanged_ShutsTheOldOnesOutWithOneMoreSave()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Save();
        image.Save();
        Assert.False(image.EarlierSealsRemain);
        image.Groups[0].SetConfiguration(4, [SoftSealer.Platform(2)], []);
        image.Save();
        Assert.True(image.EarlierSealsRemain);
        Assert.Equal(ManagerImageContent.Opened, ManagerImage.Open(store, new SoftSealer(1)).Content);
        image.Save();
        Assert.False(image.EarlierSealsRemain);
        Assert.Equal(ManagerImageContent.CannotUnseal, ManagerImage.Open(store, new SoftSealer(1)).Content);
        Assert.Equal(ManagerImageContent.Opened, ManagerImage.Open(store, new SoftSealer(2)).Content);
    }

    [Fact]
    public void Open_BothRoots_AsksTheHardwareOnceForEachEntry()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = NewImage(store);
        image.Save();
        image.Save();
        var sealer = new SoftSealer();
        using ManagerImage reopened = ManagerImage.Open(store, sealer).Image!;
        Assert.Equal(2, sealer.Unsealed);   // the root's and group 0's
        store.Restart();
        Assert.Equal(ManagerWrite.Saved, reopened.Save().Write);
        Assert.Equal([true], store.Operations.TakeLast(1).Select(operation => operation.IsFlush));
        Assert.Single(store.Operations, operation => operation.IsFlush);
    }

    [Fact]
    public void Save_ImageFull_TakesTheChangesBack()
    {
        var store = new RecordingStore(new byte[8 * 4096]);   // four sectors: two for the live root, two for the next
        using ManagerImage image = NewImage(store);
        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        string old = Snapshot.Of(image);
        for (int i = 0; i < 48; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        store.Restart();
        Assert.Equal(ManagerWrite.Full, image.Save().Write);
        Assert.Empty(store.Operations);
        Assert.Equal(old, Snapshot.Of(image));
        image.Groups[0].VtpmAt(0).SetKeyData([5]);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(Reopen(store)));
    }

    [Fact]
    public void Save_TwentyThousandVtpms_FitsTheOriginalsTwoMebibytes()
    {
        var store = new RecordingStore(new byte[ManagerImage.DefaultLength]);
        using ManagerImage image = NewImage(store);
        for (int i = 0; i < 20_000; i++) Assert.NotNull(image.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(i), ManagerVtpmFlags.None));
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);

        for (int i = 0; i < 100; i++)
        {
            image.FindVtpm(GoldenManagerImage.VtpmUuid(i * 197))!.SetKeyData([(byte)i]);
            store.Restart();
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(i == 0 ? 7 : 5, store.Operations.Count);   // vTPMs, tree, group, root, barrier; at first a seal list with its barrier
        }

        string expected = Snapshot.Of(image);
        image.RotateKey();
        Assert.Equal(ManagerWrite.Full, image.Save().Write);   // no room for everything twice
        Assert.Equal(expected, Snapshot.Of(image));
        Assert.Equal(expected, Snapshot.Of(Reopen(store)));
    }

    [Fact]
    public void RotateKey_ClosedGroupWithATreeOfTheOriginal_StillOpensWhereItMay()
    {
        // The group's own MAC covers the hashes of its trees, and those the unused slots, in which the original leaves what was there.
        var store = new RecordingStore(
            new GoldenManagerImage { UnusedTreeByte = 0xC3, OtherGroupsVtpms = 900 }.Build(vtpms: 1, groups: 2, otherGroupsConfiguration: 2).Disk);
        using ManagerImage image = ManagerImage.Open(store, new SoftSealer()).Image!;
        Assert.False(image.Groups[1].IsOpen);
        image.Groups[0].SetConfiguration(9, [SoftSealer.Platform(1), SoftSealer.Platform(2)], []);
        image.RotateKey();
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        ManagerOpen there = ManagerImage.Open(store, new SoftSealer(2));
        Assert.Equal("", there.Reason);
        Assert.All(there.Image!.Groups, group => Assert.True(group.IsOpen));
    }

    [Fact]
    public void Save_LargerStore_UsesMoreThanTheOriginals()
    {
        var store = new RecordingStore(new byte[4 * ManagerImage.DefaultLength]);
        using ManagerImage image = NewImage(store);
        for (int i = 0; i < 60_000; i++) image.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(i), ManagerVtpmFlags.None);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        image.RemoveGroup(image.AddGroup());
        image.Groups[0].RemoveVtpm(image.FindVtpm(GoldenManagerImage.VtpmUuid(0))!);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        using ManagerImage reopened = Reopen(store);
        Assert.Equal(59_999, reopened.Groups[0].VtpmCount);
        Assert.Equal(GoldenManagerImage.VtpmUuid(59_999), reopened.Groups[0].VtpmAt(0).Uuid);
    }

    [Fact]
    public void Save_ManyGroups_GoesThroughATree()
    {
        var store = new RecordingStore(new byte[ManagerImage.DefaultLength]);
        using ManagerImage image = NewImage(store);
        for (int i = 1; i < 120; i++) image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        image.RemoveGroup(image.Groups[60]);
        image.Groups[118].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        using ManagerImage reopened = Reopen(store);
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
        AssertNoSectorIsLost(image, reopened);
    }

    [Fact]
    public void Save_MoreGroupsThanTheRootHasRollbackMacs_KeepsThemAllProven()
    {
        var store = new RecordingStore(new byte[2 * ManagerImage.DefaultLength]);
        using ManagerImage image = NewImage(store);
        for (int i = 1; i < 128 + 201 + 3; i++) image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
        for (int round = 0; round < 3; round++) Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        using ManagerImage reopened = Reopen(store);
        Assert.All(reopened.Groups, group => Assert.False(group.RollbackDetected));
        AssertNoSectorIsLost(image, reopened);
        Assert.Equal(ManagerWrite.Saved, reopened.Save().Write);
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(Reopen(store)));
    }

    [Fact]
    public void RandomHistory_WithFailures_AlwaysMatchesTheLastSuccess()
    {
        for (int seed = 0; seed < 6; seed++)
        {
            var random = new Random(seed);
            var store = new RecordingStore(new byte[Size]);
            ManagerImage image = NewImage(store);
            image.Save();
            for (int step = 0; step < 60; step++)
            {
                string old = Snapshot.Of(image);
                for (int changes = random.Next(4); changes > 0; changes--) RandomChange(image, random);
                string changed = Snapshot.Of(image);
                store.Restart();
                if (random.Next(3) == 0) (store.FailAt, store.Moment, store.DiesThen) = (random.Next(8), (FaultMoment)random.Next(3), random.Next(2) == 0);
                ManagerWrite write = image.Save().Write;
                Assert.Equal(write == ManagerWrite.Saved ? changed : old, Snapshot.Of(image));
                store.Restart();
                if (random.Next(2) == 0) Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                Assert.True(image.TrySettle(out _));
                using ManagerImage reopened = Reopen(store);
                Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
                AssertNoSectorIsLost(image, reopened);
                if (random.Next(8) == 0)
                {
                    image.Dispose();
                    image = Reopen(store);
                }
            }

            image.Dispose();
        }
    }

    // What a save may write to is what the live root, read anew, does not use.
    private static void AssertNoSectorIsLost(ManagerImage image, ManagerImage reopened) =>
        Assert.Equal(reopened.Space.Available, image.Space.Available);

    private static void Change(ManagerImage image)
    {
        ManagerGroup group = image.Groups[0];
        group.RemoveVtpm(group.VtpmAt(3));
        group.RemoveVtpm(group.VtpmAt(group.VtpmCount - 1));
        for (int i = 0; i < 50; i++) group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        group.VtpmAt(50).SetKeyData([9]);
        group.VtpmAt(51).SetFlags(ManagerVtpmFlags.Admin);
        group.RotateKeys();
        group.SetConfiguration(77, [SoftSealer.Platform(1), SoftSealer.Platform(3)], [SoftSealer.Configuration(8)]);
        image.SetCounterValue(100);
        image.SetCounter(3, default);
        image.RotateKey();
        image.RemoveGroup(image.Groups[^1]);
        image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
        image.Groups[^1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.Admin);
    }

    private static void RandomChange(ManagerImage image, Random random)
    {
        ManagerGroup group = image.Groups[random.Next(image.Groups.Count)];
        switch (random.Next(12))
        {
            case < 5:
                group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
                break;
            case 5 or 6 when group.VtpmCount > 0:
                group.RemoveVtpm(group.VtpmAt(random.Next(group.VtpmCount)));
                break;
            case 7 when group.VtpmCount > 0:
                group.VtpmAt(random.Next(group.VtpmCount)).SetKeyData(RandomNumberGenerator.GetBytes(52));
                break;
            case 8 when image.Groups.Count < 20:
                image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
                break;
            case 9 when image.Groups.Count > 1 && group.Index > 0:
                image.RemoveGroup(group);
                break;
            case 10:
                group.RotateKeys();
                break;
            default:
                group.SetConfiguration((ulong)random.Next(100), [SoftSealer.Platform(1), SoftSealer.Platform((byte)random.Next(2, 9))], []);
                break;
        }
    }

    private static ManagerImage NewImage(IBlockStore store, params byte[] configurations) => NewImage(store, new SoftSealer(), configurations);

    private static ManagerImage NewImage(IBlockStore store, SoftSealer sealer, params byte[] configurations)
    {
        if (configurations.Length == 0) configurations = [1];
        ManagerImage image = ManagerImage.Create(store, sealer);
        image.Groups[0].SetConfiguration(1, [.. configurations.Select(SoftSealer.Platform)], []);
        return image;
    }

    private static ManagerImage Reopen(IBlockStore store)
    {
        ManagerOpen open = ManagerImage.Open(store, new SoftSealer());
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        return open.Image!;
    }

    private static ManagerImageContent Outcome(byte[] disk, SoftSealer? sealer = null)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), sealer ?? new SoftSealer());
        Assert.NotEqual(ManagerImageContent.Opened, open.Content);
        Assert.Null(open.Image);
        Assert.NotEmpty(open.Reason);
        return open.Content;
    }

    private static byte[] With(byte[] disk, int at, byte value)
    {
        var changed = (byte[])disk.Clone();
        changed[at] = value;
        return changed;
    }
}
