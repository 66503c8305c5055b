using System.Buffers.Binary;
using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

public sealed class VtpmImageTests
{
    private const int Size = 64 * 1024;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(20_000)]
    public void Save_AnyLength_LoadsWithItsHashKey(int length)
    {
        using var store = new MemoryBlockStore(Size);
        byte[] state = RandomNumberGenerator.GetBytes(length);
        byte[] hashKey = SaveFirst(store, state);
        VtpmImageLoad load = new VtpmImage(store).Load(hashKey);
        Assert.Equal(VtpmImageContent.Loaded, load.Content);
        Assert.Equal(state, load.State);
    }

    [Fact]
    public void Save_Twice_TakesFreshKeysAndTheOtherSlot()
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        image.StartFresh();
        var keys = new List<byte[]>();
        for (int i = 0; i < 4; i++) keys.Add(Save(image, [1, 2, 3]));
        Assert.Equal([0, Size / 2, 0, Size / 2], store.Operations.Where(operation => !operation.IsFlush).Select(operation => (int)operation.Offset));
        Assert.Equal(4, keys.Select(key => Convert.ToHexString(key.AsSpan(20))).Distinct().Count());
        Assert.Equal(4, store.Operations.Count(operation => operation.IsFlush));
    }

    [Fact]
    public void Save_Layout_IsTheOriginals()
    {
        var store = new RecordingStore(new byte[Size]);
        byte[] state = RandomNumberGenerator.GetBytes(37);
        byte[] hashKey = SaveFirst(store, state);

        Assert.Equal(16u + 48, BinaryPrimitives.ReadUInt32BigEndian(store.Bytes));
        byte[] blob = store.Bytes[4..(4 + 64)];
        Assert.Equal(37u, BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(12)));
        Assert.Equal(SHA1.HashData(blob), hashKey[..20]);
        byte[] clear = ReferenceCrypto.Cbc(false, hashKey[20..], blob[..16], blob[16..]);
        Assert.Equal([.. state, .. new byte[11]], clear);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Load_ImageBuiltByHand_GivesItsStateFromEitherSlot(int slot)
    {
        byte[] state = RandomNumberGenerator.GetBytes(100);
        (byte[] disk, byte[] hashKey) = Golden(slot, state, 100, padded: 112);
        VtpmImageLoad load = new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey);
        Assert.Equal(VtpmImageContent.Loaded, load.Content);
        Assert.Equal(state, load.State);
        Assert.DoesNotContain(Convert.ToHexString(state), load.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ClearLengthBeyondCiphertext_IsMalformed()
    {
        (byte[] disk, byte[] hashKey) = Golden(0, RandomNumberGenerator.GetBytes(100), 113, padded: 112);
        Assert.Equal(VtpmImageContent.Malformed, new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey).Content);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(16 + 15)]
    public void Load_MatchingHashOfNoWholeBlocks_IsMalformed(int length)
    {
        var disk = new byte[Size];
        BinaryPrimitives.WriteInt32BigEndian(disk, length);
        byte[] hashKey = [.. SHA1.HashData(disk.AsSpan(4, length)), .. new byte[32]];
        Assert.Equal(VtpmImageContent.Malformed, new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey).Content);
    }

    [Fact]
    public void Load_FirstSlotDestroyed_StillFindsTheSecond()
    {
        (byte[] disk, byte[] hashKey) = Golden(1, [7, 7, 7], 3, padded: 16);
        disk.AsSpan(0, Size / 2).Fill(0xFF);
        Assert.Equal(VtpmImageContent.Loaded, new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey).Content);
    }

    [Fact]
    public void Load_WhatIsNotThere_HasAnOutcomeOfItsOwn()
    {
        byte[] hashKey = RandomNumberGenerator.GetBytes(VtpmImage.HashKeySize);
        Assert.Equal(VtpmImageContent.Blank, new VtpmImage(new MemoryBlockStore(Size)).Load(hashKey).Content);
        Assert.Equal(VtpmImageContent.TooSmall, new VtpmImage(new MemoryBlockStore(20)).Load(hashKey).Content);
        Assert.Equal(VtpmImageContent.TooSmall, new VtpmImage(new MemoryBlockStore(0)).Load(hashKey).Content);
        Assert.Equal(VtpmImageContent.BadHashKey, new VtpmImage(new MemoryBlockStore(Size)).Load(hashKey.AsSpan(1)).Content);
        Assert.Equal(VtpmImageContent.Unreadable, new VtpmImage(new RecordingStore(new byte[Size]) { FailsReads = true }).Load(hashKey).Content);

        (byte[] disk, _) = Golden(0, [1], 1, padded: 16);
        VtpmImageLoad mismatch = new VtpmImage(new MemoryBlockStore(disk)).Load(hashKey);
        Assert.Equal(VtpmImageContent.NoMatch, mismatch.Content);
        Assert.NotEmpty(mismatch.Reason);
    }

    [Fact]
    public void IsBlank_OneByteAtTheEnd_IsNotBlank()
    {
        var disk = new byte[Size];
        Assert.True(new VtpmImage(new MemoryBlockStore(disk)).IsBlank());
        disk[^1] = 1;
        Assert.False(new VtpmImage(new MemoryBlockStore(disk)).IsBlank());
    }

    [Fact]
    public void Load_HostileLengths_AllocatesNothingForThem()
    {
        var disk = new byte[40 * 1024 * 1024];
        var image = new VtpmImage(new MemoryBlockStore(disk));
        byte[] hashKey = new byte[VtpmImage.HashKeySize];
        foreach (uint length in new uint[] { 1, 15, 16, 1 << 20, 16 << 20, int.MaxValue, 0x8000_0000, uint.MaxValue })
        {
            BinaryPrimitives.WriteUInt32BigEndian(disk, length);
            BinaryPrimitives.WriteUInt32BigEndian(disk.AsSpan(disk.Length / 2), length);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Equal(VtpmImageContent.NoMatch, image.Load(hashKey).Content);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
        }
    }

    [Fact]
    public void Save_LiveSlotUnknown_WritesNothing()
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        var hashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Undecided, image.Save([1], hashKey).Write);
        image.Load(RandomNumberGenerator.GetBytes(VtpmImage.HashKeySize));
        Assert.Equal(VtpmImageWrite.Undecided, image.Save([1], hashKey).Write);
        Assert.Empty(store.Operations);
    }

    [Fact]
    public void Save_AnswerOfTheManagerUnknown_WritesNothingUntilLoaded()
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        image.StartFresh();
        byte[] first = Save(image, [1]);
        var second = new byte[VtpmImage.HashKeySize];
        var third = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Written, image.Save([2], second).Write);
        store.Restart();
        Assert.Equal(VtpmImageWrite.Undecided, image.Save([3], third).Write);
        Assert.Empty(store.Operations);
        Assert.Equal(new byte[VtpmImage.HashKeySize], third);

        // The manager turns out to have the second: the first slot may go.
        Assert.Equal([2], image.Load(second).State);
        Save(image, [4]);
        Assert.Equal([2], new VtpmImage(store).Load(second).State);
        Assert.Equal(VtpmImageContent.NoMatch, new VtpmImage(store).Load(first).Content);
    }

    [Fact]
    public void Reject_NextSave_GoesToTheSameSlot()
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        image.StartFresh();
        byte[] first = Save(image, [1]);
        var refused = new byte[VtpmImage.HashKeySize];
        image.Save([2], refused);
        image.Reject();
        Assert.False(image.IsPending);
        image.Save([3], refused);
        Assert.Equal([1], new VtpmImage(store).Load(first).State);
        Assert.Equal([3], new VtpmImage(store).Load(refused).State);
    }

    [Fact]
    public void Accept_NothingPending_IsTheCallersFault() =>
        Assert.Throws<InvalidOperationException>(new VtpmImage(new MemoryBlockStore(Size)).Accept);

    [Fact]
    public void Save_StateLargerThanSlot_IsTooLarge()
    {
        var image = new VtpmImage(new MemoryBlockStore(Size));
        image.StartFresh();
        var hashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.TooLarge, image.Save(new byte[image.Capacity + 1], hashKey).Write);
        Assert.Equal(VtpmImageWrite.Written, image.Save(new byte[image.Capacity], hashKey).Write);
    }

    [Theory]
    [InlineData(0, FaultMoment.Before)]
    [InlineData(0, FaultMoment.Torn)]
    [InlineData(0, FaultMoment.After)]
    [InlineData(1, FaultMoment.Before)]
    public void Save_MediumFails_KeepsTheLiveSlotAndGivesNoKey(int operation, FaultMoment moment)
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        image.StartFresh();
        byte[] live = Save(image, [1]);
        store.Restart();
        (store.FailAt, store.Moment) = (operation, moment);
        var hashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Failed, image.Save(new byte[5000], hashKey).Write);
        Assert.Equal(new byte[VtpmImage.HashKeySize], hashKey);
        Assert.False(image.IsPending);
        Assert.Equal([1], new VtpmImage(store).Load(live).State);
        byte[] next = Save(image, [2]);
        Assert.Equal([2], new VtpmImage(store).Load(next).State);
    }

    [Fact]
    public void Save_PowerCutAnywhere_LeavesWhatTheManagerPointsAt()
    {
        var store = new RecordingStore(new byte[Size]);
        var image = new VtpmImage(store);
        image.StartFresh();
        byte[] known = Save(image, RandomNumberGenerator.GetBytes(3000));
        for (int round = 0; round < 3; round++)
        {
            byte[] expected = new VtpmImage(store).Load(known).State;
            byte[] before = [.. store.Bytes];
            store.Restart();
            byte[] next = Save(image, RandomNumberGenerator.GetBytes(3000));
            foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, store.Operations))
            {
                VtpmImageLoad load = new VtpmImage(new MemoryBlockStore(disk)).Load(known);
                Assert.True(load.Content == VtpmImageContent.Loaded && load.State.AsSpan().SequenceEqual(expected), name);
                if (acknowledged) Assert.Equal(VtpmImageContent.Loaded, new VtpmImage(new MemoryBlockStore(disk)).Load(next).Content);
            }

            known = next;
        }
    }

    [Fact]
    public void Load_MutatedImages_NeverThrowsAndNeverGivesAnotherState()
    {
        var random = new Random(20260801);
        byte[] state = RandomNumberGenerator.GetBytes(500);
        (byte[] disk, byte[] hashKey) = Golden(1, state, 500, padded: 512);
        for (int round = 0; round < 2000; round++)
        {
            byte[] mutated = disk[..(round % 3 == 0 ? random.Next(disk.Length) : disk.Length)];
            for (int flips = random.Next(4); flips > 0 && mutated.Length > 0; flips--)
            {
                int at = random.Next(2) == 0 ? random.Next(mutated.Length) : Math.Min(mutated.Length - 1, (Size / 2) + random.Next(600));
                mutated[at] ^= (byte)(1 << random.Next(8));
            }

            VtpmImageLoad load = new VtpmImage(new MemoryBlockStore(mutated)).Load(hashKey);
            if (load.Content == VtpmImageContent.Loaded) Assert.Equal(state, load.State);
        }
    }

    private static byte[] SaveFirst(IBlockStore store, byte[] state)
    {
        var image = new VtpmImage(store);
        image.StartFresh();
        return Save(image, state);
    }

    private static byte[] Save(VtpmImage image, byte[] state)
    {
        var hashKey = new byte[VtpmImage.HashKeySize];
        Assert.Equal(VtpmImageWrite.Written, image.Save(state, hashKey).Write);
        image.Accept();
        return hashKey;
    }

    private static (byte[] Disk, byte[] HashKey) Golden(int slot, byte[] state, uint clearLength, int padded)
    {
        byte[] key = RandomNumberGenerator.GetBytes(32);
        byte[] vector = new Layout().Bytes(RandomNumberGenerator.GetBytes(12)).UInt32(clearLength).ToArray();
        byte[] cipher = ReferenceCrypto.Cbc(true, key, vector, [.. state, .. new byte[padded - state.Length]]);
        byte[] content = new Layout().UInt32((uint)(16 + padded)).Bytes(vector).Bytes(cipher).ToArray();
        var disk = new byte[Size];
        content.CopyTo(disk, slot * Size / 2);
        return (disk, [.. SHA1.HashData([.. vector, .. cipher]), .. key]);
    }
}
