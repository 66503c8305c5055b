using System.Buffers.Binary;
using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>The format, byte for byte: images of the original are read, and ours are taken apart by hand.</summary>
public sealed class ManagerImageGoldenTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Open_ImageOfTheOriginal_GivesAllOfIt(int root)
    {
        byte[] disk = new GoldenManagerImage { Root = root }.Build(vtpms: 50).Disk;
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal("", open.Reason);
        Assert.Equal(ManagerImageContent.Opened, open.Content);
        using ManagerImage image = open.Image!;
        Assert.Equal(GoldenManagerImage.Manager, image.Uuid);
        Assert.Equal(41ul, image.Sequence);
        Assert.Equal(5u, image.CounterValue);

        ManagerGroup group = Assert.Single(image.Groups);
        Assert.Equal(GoldenManagerImage.GroupUuid, group.Uuid);
        Assert.True(group.IsOpen);
        Assert.False(group.RollbackDetected);
        Assert.Equal((7ul, 8ul), (group.Sequence, group.ConfigurationSequence));
        Assert.All(group.SaaModulus.ToArray(), value => Assert.Equal(0x61, value));
        Assert.All(group.AikPublic.ToArray(), value => Assert.Equal(0x62, value));
        Assert.All(group.AikEncData.ToArray(), value => Assert.Equal(0x63, value));
        Assert.All(group.RecoveryData.ToArray(), value => Assert.Equal(0x65, value));
        Assert.Equal(GoldenManagerImage.AikAuth, group.AikAuth.ToArray());
        Assert.Equal(GoldenManagerImage.GroupKey, group.GroupKey.ToArray());
        Assert.Equal(GoldenManagerImage.RollbackKey, group.RollbackMacKey.ToArray());
        Assert.Equal(0xFFu, Assert.Single(group.Platforms).PcrMask);
        Assert.Equal(0xB1, group.Kernels[0].ReadOnlySpan[0]);
        Assert.Equal(2, group.Kernels.Count);
        AssertVtpms(image, 50);
    }

    [Theory]
    [InlineData(16 * 48)]
    [InlineData((16 * 48) + 1)]
    [InlineData((112 * 48) + 1)]
    public void Open_TreeOfTheOriginalWithRubbishInUnusedSlots_GivesAllVtpms(int vtpms)
    {
        byte[] disk = new GoldenManagerImage { UnusedTreeByte = 0xC3 }.Build(vtpms).Disk;
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal("", open.Reason);
        AssertVtpms(open.Image!, vtpms);
    }

    [Fact]
    public void Open_SeventeenGroups_GoesThroughATree()
    {
        byte[] disk = new GoldenManagerImage { UnusedTreeByte = 0x3C }.Build(vtpms: 1, groups: 17).Disk;
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal("", open.Reason);
        Assert.Equal(17, open.Image!.Groups.Count);
        Assert.All(open.Image.Groups, group => Assert.False(group.RollbackDetected));
    }

    [Fact]
    public void Save_ImageOfTheOriginal_IsReadBackAlike()
    {
        var store = new RecordingStore(new GoldenManagerImage().Build(vtpms: 800, groups: 3, otherGroupsConfiguration: 2).Disk);
        using ManagerImage image = ManagerImage.Open(store, new SoftSealer()).Image!;
        Assert.False(image.Groups[1].IsOpen);
        image.FindVtpm(GoldenManagerImage.VtpmUuid(799))!.SetKeyData(new byte[64]);
        string expected = Snapshot.Of(image);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(expected, Snapshot.Of(ManagerImage.Open(store, new SoftSealer()).Image!));

        // Where the other groups may open, they still do: nothing of them was lost on the way.
        var other = new SoftSealer(1) { Present = SoftSealer.Configuration(2) };
        Assert.Equal(ManagerImageContent.CannotUnseal, ManagerImage.Open(store, other).Content);
    }

    [Fact]
    public void Save_NewImage_HasTheLayoutOfTheOriginal()
    {
        var store = new RecordingStore(new byte[ManagerImage.DefaultLength]);
        using ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        ManagerGroup group = image.Groups[0];
        group.SetIdentity(GoldenManagerImage.Pattern(1, 256), GoldenManagerImage.Pattern(2, 256), GoldenManagerImage.Pattern(3, 256),
            GoldenManagerImage.Pattern(4, 256));
        group.SetConfiguration(9, [SoftSealer.Platform(1), SoftSealer.Platform(2)], [SoftSealer.Configuration(0xCC)]);
        image.SetCounterValue(6);
        group.AddVtpm(GoldenManagerImage.VtpmUuid(1), ManagerVtpmFlags.Admin)!.SetKeyData(GoldenManagerImage.VtpmKeyData(1));
        group.AddVtpm(GoldenManagerImage.VtpmUuid(2), ManagerVtpmFlags.None)!.SetKeyData(GoldenManagerImage.VtpmKeyData(2));
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        byte[] disk = store.Bytes;

        // As the original, the first save goes to root 1. Seal list in clear:
        ReadOnlySpan<byte> list = disk.AsSpan(4096, 4096);
        Assert.Equal("54504DFE4D4752DD444F4D00" + "00000000" + "00000002" + "00000000" + "FF000000", Convert.ToHexString(list[..28]));
        Assert.Equal(SoftSealer.Configuration(1).ReadOnlySpan, list.Slice(24 + 24, 20));
        byte[] sealedData = list.Slice(24 + 44, 256).ToArray();
        byte[] secret = new SoftSealer().Unseal(new SealEntry { DigestRelease = SoftSealer.Configuration(1), SealedData = sealedData })!;
        Assert.Equal(84, secret.Length);
        Assert.Equal("Root"u8, secret.AsSpan(0, 4));
        Assert.Equal(GoldenManagerImage.Uuid(image.Uuid), secret.AsSpan(4, 16));
        Assert.All(list[(24 + 600)..].ToArray(), value => Assert.Equal(0, value));

        byte[] key = secret[68..];
        byte[] root = GoldenManagerImage.Open(disk, 3, key);
        Assert.Equal("0000000000000001" + "00000006" + "00000001", Convert.ToHexString(root.AsSpan(0, 16)));
        uint groupLocation = BinaryPrimitives.ReadUInt32BigEndian(root.AsSpan(528));
        Assert.Equal("00000001" + "00000000", Convert.ToHexString(root.AsSpan(600, 8)));
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32BigEndian(root.AsSpan(640)));
        Assert.Equal(ReferenceCrypto.Cmac(group.RollbackMacKey.ToArray(), root.AsSpan(0, 528)), root.AsSpan(644, 16));
        Assert.All(root[660..], value => Assert.Equal(0, value));

        byte[] sector = GoldenManagerImage.Open(disk, groupLocation, key);
        Assert.Equal(SHA256.HashData(sector.AsSpan(0, 3488)), root.AsSpan(16, 32));
        Assert.Equal(GoldenManagerImage.Uuid(group.Uuid), sector.AsSpan(0, 16));
        Assert.Equal(GoldenManagerImage.Pattern(1, 256), sector.AsSpan(16, 256));
        Assert.Equal(GoldenManagerImage.Pattern(2, 256), sector.AsSpan(272, 256));
        Assert.Equal(GoldenManagerImage.Pattern(3, 256), sector.AsSpan(528, 256));
        Assert.Equal("0000000000000001" + "0000000000000009" + "0000000000000000", Convert.ToHexString(sector.AsSpan(816, 24)));
        Assert.Equal(GoldenManagerImage.Pattern(4, 256), sector.AsSpan(840, 256));
        Assert.Equal("00000002" + "FF000000", Convert.ToHexString(sector.AsSpan(1096, 8)));
        Assert.Equal("00000001" + "CCCC", Convert.ToHexString(sector.AsSpan(2600, 6)));
        Assert.Equal("00000002", Convert.ToHexString(sector.AsSpan(2956, 4)));
        Assert.Equal(ReferenceCrypto.Cmac(group.GroupKey.ToArray(), sector.AsSpan(0, 3472)), sector.AsSpan(3472, 16));
        Assert.All(sector[3492..], value => Assert.Equal(0, value));

        byte[] vtpms = GoldenManagerImage.Open(disk, BinaryPrimitives.ReadUInt32BigEndian(sector.AsSpan(3488)), key);
        Assert.Equal(SHA256.HashData(vtpms.AsSpan(0, 4048)), sector.AsSpan(2960, 32));
        Assert.Equal(GoldenManagerImage.Uuid(GoldenManagerImage.VtpmUuid(1)), vtpms.AsSpan(0, 16));
        Assert.Equal("00000001", Convert.ToHexString(vtpms.AsSpan(16, 4)));
        Assert.Equal("00000000", Convert.ToHexString(vtpms.AsSpan(36, 4)));
        byte[] data = ReferenceCrypto.Ctr(group.GroupKey.ToArray(), vtpms.AsSpan(960, 16), vtpms.AsSpan(976, 3072));
        Assert.Equal([.. GoldenManagerImage.VtpmKeyData(1), .. GoldenManagerImage.VtpmKeyData(2)], data[..128]);
        Assert.All(vtpms[4048..], value => Assert.Equal(0, value));
    }

    private static void AssertVtpms(ManagerImage image, int count)
    {
        ManagerGroup group = image.Groups[0];
        Assert.Equal(count, group.VtpmCount);
        for (int i = 0; i < count; i++)
        {
            ManagerVtpm vtpm = group.VtpmAt(i);
            Assert.Equal(GoldenManagerImage.VtpmUuid(i), vtpm.Uuid);
            Assert.Equal(GoldenManagerImage.VtpmKeyData(i), vtpm.KeyData.ToArray());
            Assert.Equal(i == 0 ? ManagerVtpmFlags.Admin : ManagerVtpmFlags.None, vtpm.Flags);
            Assert.Same(vtpm, image.FindVtpm(vtpm.Uuid));
        }
    }
}
