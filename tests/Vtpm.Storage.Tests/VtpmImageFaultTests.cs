using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>A vTPM's disk that fails: what the manager points at is found as it was, or it is said that it is not.</summary>
public sealed class VtpmImageFaultTests
{
    private const int Size = 64 * 1024;

    private readonly byte[] _live = RandomNumberGenerator.GetBytes(3000);

    [Theory]
    [InlineData(DiskFault.NoSpace)]
    [InlineData(DiskFault.Torn)]
    [InlineData(DiskFault.DoneAllTheSame)]
    [InlineData(DiskFault.BarrierForgets)]
    [InlineData(DiskFault.BarrierDone)]
    public void Save_FaultAtEveryOperation_IsReportedAndLeavesTheLiveSlot(DiskFault fault)
    {
        for (int operation = 0; operation < 2; operation++)
        {
            (FaultyDisk disk, VtpmImage image, byte[] hashKey) = Saved();
            disk.Repair();
            (disk.FailAt, disk.Fault) = (operation, fault);
            byte[] refused = new byte[VtpmImage.HashKeySize];
            VtpmImageSave save = image.Save(RandomNumberGenerator.GetBytes(2500), refused);
            Assert.Equal(VtpmImageWrite.Failed, save.Write);
            Assert.NotEmpty(save.Reason);
            Assert.All(refused, value => Assert.Equal(0, value));
            Assert.Equal(_live, new VtpmImage(new MemoryBlockStore(disk.Durable)).Load(hashKey).State);
            Assert.Equal(_live, new VtpmImage(new MemoryBlockStore(disk.Visible)).Load(hashKey).State);

            // What the kernel forgot in one barrier is written again before the next.
            disk.Repair();
            byte[] next = new byte[VtpmImage.HashKeySize];
            Assert.Equal(VtpmImageWrite.Written, image.Save([1, 2, 3], next).Write);
            Assert.Equal([1, 2, 3], new VtpmImage(new MemoryBlockStore(disk.Durable)).Load(next).State);
            Assert.Equal(_live, new VtpmImage(new MemoryBlockStore(disk.Durable)).Load(hashKey).State);
        }
    }

    [Fact]
    public void Load_ReadErrorAtEveryRead_IsUnreadable()
    {
        (FaultyDisk disk, _, byte[] hashKey) = Saved();
        int reads = 0;
        for (int read = 0; ; read++)
        {
            disk.Repair();
            disk.FailAtRead = read;
            VtpmImageLoad load = new VtpmImage(disk).Load(hashKey);
            if (disk.Reads <= read) break;
            reads++;
            Assert.Equal(VtpmImageContent.Unreadable, load.Content);
            Assert.Empty(load.State);
        }

        Assert.True(reads >= 3);
    }

    [Fact]
    public void Load_BitFlippedAnywhere_IsTheStateOrARefusal()
    {
        (FaultyDisk disk, _, byte[] hashKey) = Saved();
        int refused = 0;
        for (int at = 0; at < Size; at += at % (Size / 2) < 3100 ? 7 : 499)
        {
            byte[] bytes = (byte[])disk.Durable.Clone();
            bytes[at] ^= (byte)(1 << (at % 8));
            VtpmImageLoad load = new VtpmImage(new MemoryBlockStore(bytes)).Load(hashKey);
            bool isLive = at < 20 + 3008;   // the first save went to slot 0
            Assert.Equal(isLive ? VtpmImageContent.NoMatch : VtpmImageContent.Loaded, load.Content);
            if (isLive) refused++;
            else Assert.Equal(_live, load.State);
        }

        Assert.True(refused > 400);
    }

    [Fact]
    public void Save_PowerCutsOneAfterTheOther_LeaveWhatTheManagerPointsAt()
    {
        var random = new Random(PowerCuts.Seed);
        (FaultyDisk first, _, byte[] hashKey) = Saved();
        byte[] disk = first.Durable, state = _live;
        for (int round = 0; round < 40 * PowerCuts.Each; round++)
        {
            var store = new RecordingStore((byte[])disk.Clone());
            var image = new VtpmImage(store);
            Assert.Equal(state, image.Load(hashKey).State);
            byte[] next = new byte[VtpmImage.HashKeySize], written = RandomNumberGenerator.GetBytes(random.Next(1, 20_000));
            Assert.Equal(VtpmImageWrite.Written, image.Save(written, next).Write);
            PowerCut[] cuts = [.. PowerCuts.Of(disk, store.Operations, random, 2)];
            PowerCut cut = cuts[random.Next(cuts.Length)];
            disk = cut.Disks[0];

            // The manager is told after the barrier, and has it or not.
            if (cut.Done == store.Operations.Count && random.Next(2) == 0) (hashKey, state) = (next, written);
            Assert.Equal(state, new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey).State);
        }
    }

    private (FaultyDisk Disk, VtpmImage Image, byte[] HashKey) Saved()
    {
        var disk = new FaultyDisk(new byte[Size]);
        var image = new VtpmImage(disk);
        image.StartFresh();
        byte[] hashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Written, image.Save(_live, hashKey).Write);
        image.Accept();
        return (disk, image, hashKey);
    }
}
