using System.Buffers.Binary;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>The mask over the image's key: who has it opens the image, and at no moment of its replacement does nobody.</summary>
public class KeyMaskTests
{
    private const int Size = 32 * 4096;

    private static readonly byte[] First = SoftMasks.Mask(1);
    private static readonly byte[] Second = SoftMasks.Mask(101);

    [Fact]
    public void Save_UnderAMask_SealsTheKeyUnderIt()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Masked(store, First);
        Assert.True(image.IsMasked);
        Assert.True(image.IsMaskedBy(First));
        Assert.False(image.IsMaskedBy(Second));

        // By the layout alone: what is sealed opens no root; what is sealed, XOR the mask, opens both.
        foreach (uint root in (uint[])[0, 1])
        {
            byte[] sealedKey = SealedKey(store.Bytes, root);
            Assert.Throws<InvalidDataException>(() => GoldenManagerImage.Open(store.Bytes, 2 + root, sealedKey));
            Assert.NotEmpty(GoldenManagerImage.Open(store.Bytes, 2 + root, ReferenceCrypto.Xor(sealedKey, First)));
        }
    }

    [Fact]
    public void Open_UnderAMask_AsksForItOnce()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Masked(store, First);
        foreach (byte[][] held in (byte[][][])[[First], [First, Second], [Second, First]])
        {
            var masks = new SoftMasks(held);
            using ManagerImage reopened = Reopen(store.Bytes, masks);
            Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
            Assert.True(reopened.IsMaskedBy(First));
            Assert.Equal(SoftMasks.Slot, reopened.NvramSlot);
            Assert.Equal(1, masks.Reads);
        }
    }

    [Fact]
    public void Open_WithoutTheMask_SaysThatItIsGone()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Masked(store, First);
        foreach (SoftMasks? masks in (SoftMasks?[])[null, new(), new(Second), new(new byte[16]), new(First[..15], Second)])
        {
            ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(store.Bytes), new SoftSealer(), masks);
            Assert.Equal(ManagerImageContent.KeyMaskGone, open.Content);
            Assert.Null(open.Image);
        }
    }

    [Fact]
    public void Open_AreaGone_IsRefusedAndNotOpenedFromAnOlderRootThatHasNoMask()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Unmasked(store);
        image.SetNvram(SoftMasks.Slot + 1, SoftMasks.Auth, First);
        image.Save();
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(store.Bytes), new SoftSealer(), new SoftMasks(First));
        Assert.Equal(ManagerImageContent.KeyMaskGone, open.Content);
        Assert.Contains("there is no such area", open.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_SlotWithoutAMask_IsOpenedAsItIs()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Unmasked(store);
        image.SetNvram(SoftMasks.Slot, SoftMasks.Auth);
        image.Save();
        image.Save();
        using ManagerImage reopened = Reopen(store.Bytes, new SoftMasks());
        Assert.False(reopened.IsMasked);
        Assert.Equal(SoftMasks.Slot, reopened.NvramSlot);
    }

    [Fact]
    public void Open_DamagedUnderAMask_IsNotTakenForAnImageWithoutOne()
    {
        var store = new RecordingStore(new byte[Size]);
        using (ManagerImage image = Masked(store, First)) image.Save();
        store.Bytes[(2 * 4096) + 100] ^= 1;
        using (ManagerImage reopened = Reopen(store.Bytes, new SoftMasks(First))) Assert.True(reopened.IsMasked);
        store.Bytes[(3 * 4096) + 100] ^= 1;
        Assert.Equal(ManagerImageContent.KeyMaskGone, ManagerImage.Open(new MemoryBlockStore(store.Bytes), new SoftSealer(), new SoftMasks(First)).Content);
    }

    [Fact]
    public void SetNvram_MaskOfAnotherLength_IsAnArgumentError()
    {
        using ManagerImage image = Unmasked(new RecordingStore(new byte[Size]));
        Assert.Throws<ArgumentException>(() => image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, new byte[15]));
        Assert.False(image.IsMasked);
    }

    [Fact]
    public void Save_OfAnotherMaskThatFails_KeepsTheOneBefore()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Masked(store, First);
        store.Restart();
        (store.FailAt, store.Moment) = (0, FaultMoment.Before);
        image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, Second);
        Assert.Equal(ManagerWrite.Failed, image.Save().Write);
        Assert.True(image.IsMaskedBy(First));
        store.Restart();
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        using ManagerImage reopened = Reopen(store.Bytes, new SoftMasks(First));
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
    }

    [Fact]
    public void RotateKeyAndGroupChanges_UnderAMask_KeepIt()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = Masked(store, First);
        image.RotateKey();
        image.SetCounter(5, SoftMasks.Auth);
        image.Groups[0].SetConfiguration(2, [SoftSealer.Platform(1), SoftSealer.Platform(2)], []);
        image.Save();
        using ManagerImage reopened = Reopen(store.Bytes, new SoftMasks(First));
        Assert.True(reopened.IsMaskedBy(First));
        Assert.Equal(Snapshot.Of(image), Snapshot.Of(reopened));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Replacement_PowerCutAtEveryWrite_OpensWithThePairAndEndsWithTheNewOneAlone(bool fromAMask)
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = fromAMask ? Masked(store, First) : Unmasked(store);
        image.Save();
        byte[] before = [.. store.Bytes];
        store.Restart();

        // As GROUP_UPDATE does it: other platforms, another mask, and a second save that leaves no root of before.
        image.Groups[0].SetConfiguration(2, [SoftSealer.Platform(1), SoftSealer.Platform(7)], []);
        image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, Second);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.True(image.EarlierSealsRemain);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.False(image.EarlierSealsRemain);

        int states = 0;
        foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, store.Operations))
        {
            states++;
            using ManagerImage crashed = Reopen(disk, fromAMask ? new SoftMasks(First, Second) : new SoftMasks(Second), name);
            bool isNew = crashed.Groups[0].ConfigurationSequence == 2;
            Assert.Equal(isNew, crashed.IsMaskedBy(Second));
            Assert.Equal(!isNew && fromAMask, crashed.IsMaskedBy(First));
            Assert.True(!acknowledged || (isNew && !crashed.EarlierSealsRemain), name);

            // One save more leaves nothing that the mask before opens.
            if (!isNew || !crashed.EarlierSealsRemain) continue;
            Assert.Equal(ManagerWrite.Saved, crashed.Save().Write);
            Assert.Equal(ManagerImageContent.KeyMaskGone, ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer(), new SoftMasks(First)).Content);
            Reopen(disk, new SoftMasks(Second), name).Dispose();
        }

        Assert.True(states > 50, $"{states} states");
    }

    private static ManagerImage Unmasked(RecordingStore store)
    {
        ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None)!.SetKeyData([1, 2, 3]);
        image.Save();
        image.Save();
        return image;
    }

    private static ManagerImage Masked(RecordingStore store, byte[] mask)
    {
        ManagerImage image = Unmasked(store);
        image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, mask);
        image.Save();
        image.Save();
        return image;
    }

    private static ManagerImage Reopen(byte[] disk, SoftMasks masks, string name = "")
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer(), masks);
        Assert.True(open.Content == ManagerImageContent.Opened, $"{name}: {open.Content}: {open.Reason}");
        return open.Image!;
    }

    /// <summary>The last 16 of the 84 bytes that the first entry of a root's seal list seals.</summary>
    private static byte[] SealedKey(byte[] disk, uint root)
    {
        ReadOnlySpan<byte> entry = disk.AsSpan((int)root * 4096 + 24, 300);
        Assert.Equal(0xFFu, BinaryPrimitives.ReadUInt32LittleEndian(entry));
        ReadOnlySpan<byte> data = entry[44..];
        Assert.Equal(84, data[0]);
        return [.. data.Slice(1 + 68, 16).ToArray().Select(b => (byte)(b ^ 0xA5))];
    }
}
