using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>Disks that fail: full, unreadable, lying, decaying. What was acknowledged is never lost without a word.</summary>
public sealed class ManagerImageFaultTests
{
    private const int Sector = 4096;

    [Theory]
    [InlineData(DiskFault.NoSpace)]
    [InlineData(DiskFault.Torn)]
    [InlineData(DiskFault.DoneAllTheSame)]
    [InlineData(DiskFault.BarrierForgets)]
    [InlineData(DiskFault.BarrierDone)]
    public void Save_FaultAtEveryOperation_IsReportedAndLosesNothing(DiskFault fault)
    {
        for (int operation = 0, finished = 0; finished == 0; operation++)
        {
            var disk = new FaultyDisk(new byte[32 * Sector]);
            using ManagerImage image = NewImage(disk);
            for (int i = 0; i < 60; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
            image.Save();
            string old = Snapshot.Of(image);

            disk.Repair();
            (disk.FailAt, disk.Fault) = (operation, fault);
            Change(image);
            ManagerSave save = image.Save();
            if (save.Write == ManagerWrite.Saved)
            {
                Assert.True(operation > 5, "such a save has more operations than that");
                finished = operation;
                continue;
            }

            // One fault, then the disk works: the root that may have been written is withdrawn, and nothing is in doubt.
            Assert.Equal((ManagerWrite.Failed, false), (save.Write, save.InDoubt));
            Assert.Contains(fault == DiskFault.NoSpace && disk.FailedInWrite ? "no space" : "input/output error", save.Reason, StringComparison.Ordinal);
            Assert.Equal(old, Snapshot.Of(image));
            Assert.Equal(old, Found(disk.Durable));
            Assert.Equal(old, Found(disk.Visible));

            disk.Repair();
            Change(image);
            string changed = Snapshot.Of(image);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(changed, Found(disk.Durable));
            Assert.Equal(changed, Found(disk.Visible));
        }
    }

    [Fact]
    public void Open_ReadErrorAtEveryRead_IsUnreadableAndChangesNothing()
    {
        byte[] bytes = new byte[32 * Sector];
        using (ManagerImage image = NewImage(new MemoryBlockStore(bytes)))
        {
            for (int i = 0; i < 60; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
            image.Save();
            image.Save();
        }

        int reads = 0;
        for (int read = 0; ; read++)
        {
            var disk = new FaultyDisk((byte[])bytes.Clone()) { FailAtRead = read };
            ManagerOpen open = ManagerImage.Open(disk, new SoftSealer());
            open.Image?.Dispose();
            if (disk.Reads <= read) break;
            reads++;
            Assert.Equal(ManagerImageContent.Unreadable, open.Content);
            Assert.Contains("input/output error", open.Reason, StringComparison.Ordinal);
            Assert.Equal(bytes, disk.Visible);
        }

        Assert.True(reads >= 7, $"two seal lists, two roots, a group and two sectors of vTPMs are read, not {reads}");
    }

    /// <summary>
    /// Both roots have the state: a bit that flips in one root or its seal list costs nothing but a word; below them, where both look, it is damage.
    /// </summary>
    [Fact]
    public void Open_BitFlippedInAnySector_OpensWhatWasAcknowledgedOrSaysWhere()
    {
        var store = new RecordingStore(new byte[32 * Sector]);
        using ManagerImage image = NewImage(store);
        for (int i = 0; i < 60; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
        image.Save();
        image.Save();   // nothing has changed: the other root has the same state now
        string expected = Snapshot.Of(image);
        int damaged = 0;
        for (int sector = 0; sector < 32; sector++)
        {
            foreach (int bit in Bits(sector))
            {
                byte[] disk = [.. store.Bytes];
                disk[(sector * Sector) + (bit / 8)] ^= (byte)(1 << (bit % 8));
                ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
                using ManagerImage? found = open.Image;
                string name = $"sector {sector}, bit {bit}: {open.Content} {open.Reason}";
                if (!image.Space.IsFree((uint)sector) && sector >= 4)
                {
                    // The counter of a sector is under no MAC, so it may take the hash in the parent to see it.
                    Assert.True(open.Content == ManagerImageContent.Damaged, name);
                    damaged++;
                }
                else
                {
                    Assert.True(open.Content == ManagerImageContent.Opened, name);
                    Assert.Equal(expected, Snapshot.Of(found!));
                    if (sector < 4) Assert.Contains($"root {sector % 2} ", open.Reason, StringComparison.Ordinal);
                    if (sector is 2 or 3) Assert.Contains($"root {sector - 2} does not verify", open.Reason, StringComparison.Ordinal);
                }
            }
        }

        Assert.True(damaged > 0);
    }

    // Fields of every kind: CMAC, counter, the first bytes, the middle, the last.
    private static int[] Bits(int sector) =>
        sector < 2 ? [0, 12 * 8, (24 + 44) * 8, (24 + 60) * 8 + 3] : [1, 17 * 8, (32 * 8) + 7, 600 * 8, 2000 * 8, (4096 * 8) - 1];

    private static void Change(ManagerImage image)
    {
        ManagerGroup group = image.Groups[0];
        group.VtpmAt(0).SetKeyData(RandomNumberGenerator.GetBytes(52));
        group.VtpmAt(50).SetKeyData(RandomNumberGenerator.GetBytes(52));
        group.SetConfiguration(group.ConfigurationSequence + 1, [SoftSealer.Platform(1), SoftSealer.Platform(5)], []);
    }

    private static ManagerImage NewImage(IBlockStore store)
    {
        ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        return image;
    }

    private static string Found(byte[] disk)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        using ManagerImage image = open.Image!;
        return Snapshot.Of(image);
    }
}
