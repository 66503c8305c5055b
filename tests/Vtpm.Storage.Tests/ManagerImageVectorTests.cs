using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>
/// Images in files, and images of every shape, read and written by two programs that share nothing: the product, and
/// <see cref="GoldenManagerImage"/> and <see cref="ReferenceReader"/>.
/// </summary>
public sealed class ManagerImageVectorTests
{
    private const string Original = "original.txt";
    private const int Mebibyte = 1024 * 1024;

    [Fact]
    public void Original_File_IsWhatTheLayoutMakes()
    {
        string text = ImageVectors.ToText(OriginalImage());
        if (ImageVectors.Writes) ImageVectors.Write(Original, text);
        Assert.Equal(text, File.ReadAllText(ImageVectors.PathOf(Original)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Original_File_OpensAsTheOtherReaderSays(byte configuration)
    {
        byte[] disk = ImageVectors.Read(Original);
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer(configuration));
        if (configuration == 2)
        {
            Assert.Equal(ManagerImageContent.CannotUnseal, open.Content);
            return;
        }

        Assert.Equal("", open.Reason);
        using ManagerImage image = open.Image!;
        Assert.Equal([true, false, true], image.Groups.Select(group => group.IsOpen));
        Assert.Equal([false, false, true], image.Groups.Select(group => group.RollbackDetected));
        Assert.Equal([50, 3, 20], image.Groups.Select(group => group.VtpmCount));
        Assert.Equal(ReferenceReader.Read(disk), Snapshot.Of(image));
    }

    /// <summary>What this version has written, and what every later one has to find in it.</summary>
    [Theory]
    [InlineData("ours-v0", 0)]
    [InlineData("ours-v1", 1)]
    public void Ours_File_OpensForever(string name, uint version)
    {
        byte[] disk = ImageVectors.Read(name + ".txt");
        string expected = File.ReadAllText(ImageVectors.PathOf(name + ".expected.txt"));
        Assert.Equal(expected, ReferenceReader.Read(disk, 1, out uint found));
        Assert.Equal(version, found);
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal("", open.Reason);
        using ManagerImage image = open.Image!;
        Assert.Equal(expected, Snapshot.Of(image));
    }

    [Theory]
    [InlineData(1, 0, 2)]
    [InlineData(16, 16 * 48, 2)]
    [InlineData(17, (16 * 48) + 1, 2)]
    [InlineData(150, 1000, 2)]   // more than a tree sector of groups
    [InlineData(2, (16 * 112 * 48) + 1, 8)]   // a tree of two levels
    public void Golden_EveryShape_OpensAndIsWrittenBack(int groups, int vtpms, int mebibytes)
    {
        var golden = new GoldenManagerImage(mebibytes * Mebibyte / 4096) { UnusedTreeByte = 0x5A, OtherSeals = 30 };
        GoldenGroup[] others = [.. Enumerable.Range(1, groups - 1).Select(i => new GoldenGroup(i % 3, (byte)(1 + (i % 2)), i % 5 != 0))];
        byte[] disk = golden.Build([new GoldenGroup(vtpms), .. others]).Disk;
        string expected = ReferenceReader.Read(disk);
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.Equal("", open.Reason);
        using ManagerImage image = open.Image!;
        Assert.Equal(expected, Snapshot.Of(image));

        // Written back by ours, the other reader finds the same; closed groups have lost their proof to the new root, as they do in the original.
        image.Groups[0].SetConfiguration(9, [SoftSealer.Platform(1), SoftSealer.Platform(3)], []);
        image.Groups[0].AddVtpm(GoldenManagerImage.VtpmUuid(99_000_000), ManagerVtpmFlags.None)!.SetKeyData(RandomNumberGenerator.GetBytes(60));
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Equal(Snapshot.Of(image), ReferenceReader.Read(disk));
    }

    [Fact]
    public void Ours_ManyGroupsAndTheirMacs_AreReadByTheOtherReader()
    {
        byte[] disk = new byte[4 * Mebibyte];
        using ManagerImage image = ManagerImage.Create(new MemoryBlockStore(disk), new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        for (int i = 1; i < 128 + 201 + 5; i++)
        {
            ManagerGroup group = image.AddGroup();
            group.SetConfiguration(1, [SoftSealer.Platform((byte)(1 + (i % 2)))], [SoftSealer.Configuration((byte)i)]);
            group.SetIdentity(RandomNumberGenerator.GetBytes(256), RandomNumberGenerator.GetBytes(256), RandomNumberGenerator.GetBytes(256), new byte[256]);
            if (i % 7 == 0) group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.Admin);
        }

        for (int save = 0; save < 3; save++) Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        Assert.Contains("open False", ReferenceReader.Read(disk), StringComparison.Ordinal);
        Assert.Equal(ReferenceReader.Read(disk), Snapshot.Of(ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer()).Image!));
    }

    private static byte[] OriginalImage() => new GoldenManagerImage { UnusedTreeByte = 0xC3, OtherSeals = 14, Sequence = 41, Root = 1 }
        .Build(new GoldenGroup(50), new GoldenGroup(3, Configuration: 2), new GoldenGroup(20, HasRollbackMac: false)).Disk;
}
