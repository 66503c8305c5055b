using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>Both roots with the same state: what it takes, and what it saves.</summary>
public sealed class ManagerImageTwinTests
{
    private const int Sector = 4096;

    [Fact]
    public void TryTwin_AfterASave_LetsEitherRootAndListBeDamaged()
    {
        (RecordingStore store, ManagerImage image) = Saved();
        using (image)
        {
            string expected = Snapshot.Of(image);
            Assert.False(image.HasTwin);
            Assert.True(image.TryTwin(out _));
            Assert.True(image.HasTwin);
            store.Restart();
            Assert.True(image.TryTwin(out _));
            Assert.Empty(store.Operations);
            for (int sector = 0; sector < 4; sector++)
            {
                byte[] damaged = [.. store.Bytes];
                damaged[(sector * Sector) + 4] ^= 1;
                using ManagerImage found = Open(damaged, out string reason);
                Assert.Equal(expected, Snapshot.Of(found));
                Assert.Contains($"root {sector % 2} ", reason, StringComparison.Ordinal);
                Assert.False(found.HasTwin);
            }

            using ManagerImage whole = Open(store.Bytes, out string none);
            Assert.Equal("", none);
            Assert.True(whole.HasTwin);
            Assert.Equal(expected, ReferenceReader.Read(store.Bytes));
            Assert.False(ManagerImageCheck.Run(new MemoryBlockStore(store.Bytes), new SoftSealer()).IsDamaged);

            // The next save goes on from there.
            whole.Groups[0].VtpmAt(0).SetKeyData([7]);
            Assert.Equal(ManagerWrite.Saved, whole.Save().Write);
            Assert.False(whole.HasTwin);
        }
    }

    [Fact]
    public void TryTwin_PowerCutAnywhere_FindsTheOneState()
    {
        var random = new Random(PowerCuts.Seed);
        foreach (bool otherPlatforms in new[] { false, true })
        {
            (RecordingStore store, ManagerImage image) = Saved();
            using (image)
            {
                if (otherPlatforms)
                {
                    image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(20), SoftSealer.Kernels(30));
                    Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                }

                string expected = Snapshot.Of(image);
                byte[] before = [.. store.Bytes];
                store.Restart();
                Assert.True(image.TryTwin(out _));
                Assert.Equal(otherPlatforms ? 4 : 2, store.Operations.Count);
                foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, random, 4 * PowerCuts.Each))
                {
                    using ManagerImage found = Open(cut.Disks[0], out _);
                    Assert.True(Snapshot.Of(found) == expected, cut.Name);
                }

                // A cut in the save behind it: there may be no older root any more.
                before = [.. store.Bytes];
                store.Restart();
                image.Groups[0].VtpmAt(0).SetKeyData([8]);
                string changed = Snapshot.Of(image);
                Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                foreach (PowerCut cut in PowerCuts.Of(before, store.Operations, random, 4 * PowerCuts.Each))
                {
                    using ManagerImage found = Open(cut.Disks[0], out _);
                    Assert.True(Snapshot.Of(found) is var text && (text == changed || (cut.Done < store.Operations.Count && text == expected)), cut.Name);
                }
            }
        }
    }

    [Fact]
    public void TryTwin_MediumFailsAnywhere_SaysSoAndLeavesNothingInDoubt()
    {
        for (int operation = 0; operation < 2; operation++)
        {
            foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
            {
                (RecordingStore store, ManagerImage image) = Saved();
                using (image)
                {
                    string expected = Snapshot.Of(image);
                    store.Restart();
                    (store.FailAt, store.Moment, store.DiesThen) = (operation, moment, true);
                    Assert.False(image.TryTwin(out string reason));
                    Assert.NotEmpty(reason);
                    Assert.False(image.IsInDoubt);
                    using ManagerImage found = Open(store.Bytes, out _);
                    Assert.Equal(expected, Snapshot.Of(found));
                    store.Restart();
                    image.Groups[0].VtpmAt(1).SetKeyData([9]);
                    Assert.Equal(ManagerWrite.Saved, image.Save().Write);
                    Assert.True(image.TryTwin(out _));
                }
            }
        }
    }

    [Fact]
    public void TryTwin_WithChangesOrNothingSaved_DoesNothing()
    {
        (RecordingStore store, ManagerImage image) = Saved();
        using (image)
        {
            image.Groups[0].VtpmAt(0).SetKeyData([7]);
            store.Restart();
            Assert.False(image.TryTwin(out _));
            Assert.Empty(store.Operations);
        }

        using ManagerImage fresh = ManagerImage.Create(new MemoryBlockStore(16 * Sector), new SoftSealer());
        Assert.False(fresh.TryTwin(out _));
    }

    /// <summary>A save would take its proof from a group that is closed; this does not.</summary>
    [Fact]
    public void TryTwin_ClosedGroup_KeepsItsProof()
    {
        var store = new RecordingStore(new byte[32 * Sector]);
        using (ManagerImage image = ManagerImage.Create(store, new SoftSealer()))
        {
            image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1), SoftSealer.Platform(2)], []);
            image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(2)], []);
            image.Save();
        }

        using (ManagerImage here = Open(store.Bytes, out _))
        {
            Assert.False(here.Groups[1].IsOpen);
            Assert.True(here.TryTwin(out _));
        }

        store.Bytes[(3 * Sector) + 100] ^= 1;   // the root that was first
        using ManagerImage there = ManagerImage.Open(store, new SoftSealer(2)).Image!;
        Assert.True(there.Groups[1].IsOpen);
        Assert.False(there.Groups[1].RollbackDetected);
    }

    private static ManagerImage Open(byte[] disk, out string reason)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        reason = open.Reason;
        return open.Image!;
    }

    /// <summary>Two saves: the other root has the older one.</summary>
    private static (RecordingStore Store, ManagerImage Image) Saved()
    {
        var store = new RecordingStore(new byte[32 * Sector]);
        ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        for (int i = 0; i < 50; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.Save();
        image.Save();
        image.Groups[0].VtpmAt(0).SetKeyData([1]);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        return (store, image);
    }
}
