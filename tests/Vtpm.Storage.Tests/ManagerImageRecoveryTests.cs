using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>An image that no seal opens, opened by the keys that were kept of it.</summary>
public sealed class ManagerImageRecoveryTests : IDisposable
{
    private const int Size = 64 * 4096;

    private readonly RecordingStore _store = new(new byte[Size]);
    private readonly Guid _uuid = Guid.NewGuid();
    private readonly Guid _manager;
    private readonly ManagerRecoveryKey _key;

    /// <summary>Group 0 opens on platform 1, group 1 on 2. One root has 1 as the vTPM's key data, the newest 2.</summary>
    public ManagerImageRecoveryTests()
    {
        using ManagerImage image = ManagerImage.Create(_store, new SoftSealer());
        _key = image.ToRecoveryKey();
        _manager = image.Uuid;
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(2)], []);
        image.SetCounter(5, SoftMasks.Auth);
        image.SetNvram(SoftMasks.Slot, SoftMasks.Auth, SoftMasks.Mask(1));
        ManagerVtpm vtpm = image.Groups[0].AddVtpm(_uuid, ManagerVtpmFlags.None)!;
        foreach (byte content in (byte[])[1, 2])
        {
            vtpm.SetKeyData([content]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }
    }

    public void Dispose()
    {
        _key.Dispose();
        _store.Dispose();
    }

    [Fact]
    public void Recover_WhereNoSealOpens_OpensWithoutAWriteAndBelongsToNoHardware()
    {
        byte[] before = [.. _store.Bytes];
        Assert.Equal(ManagerImageContent.CannotUnseal, ManagerImage.Open(_store, new SoftSealer(9)).Content);
        using ManagerImage image = Recover();
        Assert.Equal((_manager, (byte)2), (image.Uuid, Load(image)));
        Assert.True(image.Groups[0].IsRecovered && !image.Groups[0].RollbackDetected);
        Assert.False(image.Groups[1].IsOpen);
        Assert.Equal((0u, 0u, false), (image.CounterIndex, image.NvramSlot, image.IsMasked));
        image.Rollback();
        Assert.True(image.Groups[0].IsRecovered);
        Assert.False(image.TryTwin(out _));
        Assert.Equal(before, _store.Bytes);
    }

    [Fact]
    public void Recover_NewestRootDamaged_TakesTheOlderOneAndSaysSo()
    {
        using (ManagerImage image = Recover()) _store.Bytes[((2 + image.LiveRoot) * 4096) + 100] ^= 1;
        ManagerOpen open = ManagerImage.Recover(_store, new SoftSealer(9), _key);
        using ManagerImage older = open.Image!;
        Assert.Equal(1, Load(older));
        Assert.Contains("does not verify", open.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Recover_SectorBelowTheNewestRootDamaged_TakesTheOlderOne()
    {
        using (ManagerImage image = Recover()) _store.Bytes[(image.Groups[0].Disk!.Value.Location * 4096) + 5] ^= 1;
        using ManagerImage older = Recover();
        Assert.Equal(1, Load(older));
    }

    [Fact]
    public void Recover_SealListsGoneOrOfAnotherVersion_NeedsNone()
    {
        _store.Bytes.AsSpan(0, 2 * 4096).Fill(0xA5);
        using (ManagerImage image = Recover())
        {
            Assert.Equal(2, Load(image));
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        using ManagerImage sealedAgain = Open(1);
        Assert.Equal(2, Load(sealedAgain));
    }

    [Fact]
    public void Recover_ByAnyOtherKey_IsRefusedAndChangesNothing()
    {
        byte[] before = [.. _store.Bytes];
        // image key, uuid of group 0, group_key; the first and the last byte of each
        foreach (int offset in (int[])[24, 39, 80, 95, 116, 131])
        {
            byte[] bytes = _key.ToBytes();
            bytes[offset] ^= 0x80;
            using ManagerRecoveryKey wrong = ManagerRecoveryKey.Read(bytes)!;
            Assert.Equal(ManagerImageContent.WrongRecoveryKey, ManagerImage.Recover(_store, new SoftSealer(9), wrong).Content);
            Assert.Equal(ManagerImageContent.WrongRecoveryKey, ManagerImage.Recover(_store, new SoftSealer(), wrong).Content);
        }

        Assert.Equal(before, _store.Bytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Recover_AfterARotation_TakesTheNewKeyAlone(bool ofTheGroup)
    {
        using (ManagerImage image = Open(1))
        {
            if (ofTheGroup) image.Groups[0].RotateKeys();
            else image.RotateKey();
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            using ManagerRecoveryKey renewed = image.ToRecoveryKey();
            using ManagerImage recovered = ManagerImage.Recover(_store, new SoftSealer(9), renewed).Image!;
            Assert.Equal(2, Load(recovered));
        }

        Assert.Equal(ManagerImageContent.WrongRecoveryKey, ManagerImage.Recover(_store, new SoftSealer(9), _key).Content);
    }

    [Fact]
    public void Recover_OfSomethingElse_IsNamed()
    {
        Assert.Equal(ManagerImageContent.Blank, ManagerImage.Recover(new MemoryBlockStore(new byte[Size]), new SoftSealer(), _key).Content);
        byte[] other = new byte[Size];
        new Random(1).NextBytes(other);
        Assert.Equal(ManagerImageContent.WrongRecoveryKey, ManagerImage.Recover(new MemoryBlockStore(other), new SoftSealer(), _key).Content);
        Assert.Equal(ManagerImageContent.TooSmall, ManagerImage.Recover(new MemoryBlockStore(new byte[4096]), new SoftSealer(), _key).Content);
    }

    [Fact]
    public void Read_OfAnythingButItsBytes_IsNull()
    {
        byte[] bytes = _key.ToBytes();
        Assert.Equal(bytes, ManagerRecoveryKey.Read(bytes)!.ToBytes());
        for (int length = 0; length < bytes.Length; length++) Assert.Null(ManagerRecoveryKey.Read(bytes.AsSpan(0, length)));
        Assert.Null(ManagerRecoveryKey.Read([.. bytes, 0]));
        bytes[7] ^= 1;
        Assert.Null(ManagerRecoveryKey.Read(bytes));
    }

    /// <summary>Saves before the present platform is approved, and its approval, stopped anywhere: the recovery key opens what is there.</summary>
    [Fact]
    public void Recovered_StoppedAnywhere_OpensByTheKeyAndInTheEndWithoutIt()
    {
        byte[] before = [.. _store.Bytes];
        _store.Restart();
        using (ManagerImage image = Recover())
        {
            image.FindVtpm(_uuid)!.SetKeyData([3]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            using (ManagerImage platform1 = ManagerImage.Open(new MemoryBlockStore([.. _store.Bytes]), new SoftSealer(), new SoftMasks()).Image!)
                Assert.Equal(3, Load(platform1));
            image.Groups[0].SetConfiguration(2, [SoftSealer.Platform(9)], []);
            Assert.False(image.Groups[0].IsRecovered);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.True(image.EarlierSealsRemain);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        int states = 0;
        foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, _store.Operations))
        {
            states++;
            ManagerOpen open = ManagerImage.Recover(new MemoryBlockStore(disk), new SoftSealer(9), _key);
            Assert.True(open.Content == ManagerImageContent.Opened, $"{name}: {open.Reason}");
            using ManagerImage crashed = open.Image!;
            Assert.True(Load(crashed) == 3 || (!acknowledged && Load(crashed) == 2), name);
        }

        Assert.True(states > 30, $"{states} states");
        using ManagerImage approved = Open(9);
        Assert.Equal(3, Load(approved));
        Assert.Equal(ManagerImageContent.CannotUnseal, ManagerImage.Open(_store, new SoftSealer()).Content);
    }

    /// <summary>A seal list of several sectors, which the recovered image leaves to others.</summary>
    [Fact]
    public void Recover_WithManyPlatforms_SealsToAllOfThem()
    {
        using (ManagerImage image = Open(1))
        {
            image.Groups[0].SetConfiguration(2, SoftSealer.Platforms(40), SoftSealer.Kernels(40));
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        var sealer = new SoftSealer(9);
        using (ManagerImage image = ManagerImage.Recover(_store, sealer, _key).Image!)
        {
            Assert.Equal(40, image.Groups[0].Platforms.Count);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(80, sealer.Sealed);   // the image's keys and the group's, none of them as it was
        }

        using ManagerImage again = Open(1);
        Assert.Equal((40, 40, (byte)2), (again.Groups[0].Platforms.Count, again.Groups[0].Kernels.Count, Load(again)));
    }

    private byte Load(ManagerImage image) => image.FindVtpm(_uuid)!.KeyData[0];

    private ManagerImage Recover()
    {
        ManagerOpen open = ManagerImage.Recover(_store, new SoftSealer(9), _key);
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        return open.Image!;
    }

    private ManagerImage Open(byte platform)
    {
        ManagerOpen open = ManagerImage.Open(_store, new SoftSealer(platform), new SoftMasks(SoftMasks.Mask(1)));
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        return open.Image!;
    }
}
