using System.Buffers.Binary;
using System.Security.Cryptography;
using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>What a check says of images that are whole, and of damage of every kind, and that it says where.</summary>
public sealed class ImageCheckTests
{
    private const int Sector = 4096;

    [Fact]
    public void ManagerImage_Whole_HasNoDamageAndNoWarning()
    {
        foreach (byte[] disk in new[] { Image(out _), ImageVectors.Read("ours-v0.txt"), ImageVectors.Read("ours-v1.txt") })
        {
            byte[] before = (byte[])disk.Clone();
            ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(disk), new SoftSealer());
            Assert.Equal([], Serious(report));
            Assert.Equal(CheckedImage.Manager, report.Image);
            Assert.Equal(before, disk);
        }
    }

    [Fact]
    public void ManagerImage_OfTheOriginal_NamesTheClosedGroupAndTheOneWithoutProof()
    {
        ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(ImageVectors.Read("original.txt")), new SoftSealer());
        Assert.False(report.IsDamaged);
        Assert.False(report.IsWhole);   // of the closed group not everything can be seen
        Assert.Contains(report.Findings, finding => finding is { Group: 1, Kind: ImageFindingKind.Note } && finding.Text.Contains("closed", StringComparison.Ordinal));
        ImageFinding warning = Assert.Single(report.Findings, finding => finding is { Kind: ImageFindingKind.Warning, Group: not null });
        Assert.Equal((2, 1), (warning.Group, warning.Root));
        Assert.Contains("rollback MAC", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void ManagerImage_WithoutTheHardware_IsLookedAtAsFarAsItIsInClear()
    {
        byte[] disk = Image(out _);
        ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(disk));
        Assert.False(report.IsDamaged);
        Assert.False(report.IsWhole);
        Assert.True(ManagerImageCheck.IsManagerImage(new MemoryBlockStore(disk)));
        Assert.False(ManagerImageCheck.IsManagerImage(new MemoryBlockStore(Sector)));
    }

    [Theory]
    [InlineData(0, "does not begin")]
    [InlineData(15, "format version")]
    [InlineData(18, "entries in a sector that holds 13")]
    [InlineData(22, "which cannot be")]
    [InlineData(27, "PCRs that there are not")]
    public void ManagerImage_SealListDamaged_IsSaidWithRootAndSector(int at, string expected)
    {
        for (int root = 0; root < 2; root++)
        {
            byte[] disk = Image(out _);
            disk[(root * Sector) + at] ^= 0x40;
            foreach (SoftSealer? sealer in new[] { null, new SoftSealer() })
            {
                ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(disk), sealer);
                Assert.Contains(report.Findings, finding => finding.Kind == ImageFindingKind.Damage && finding.Root == root && finding.Sector == root
                    && finding.Text.Contains(expected, StringComparison.Ordinal));
            }
        }
    }

    /// <summary>A bit in every sector that is used, and in every kind of field of it.</summary>
    [Fact]
    public void ManagerImage_BitFlippedInAnyUsedSector_IsSaidWithTheSector()
    {
        byte[] disk = Image(out ManagerImage image);
        int sectors = 0;
        using (image)
        {
            for (uint sector = 2; sector < 64; sector++)
            {
                if (sector >= 4 && image.Space.IsFree(sector)) continue;
                sectors++;
                foreach (int at in new[] { 3, 20, 40, 700, 2500 })
                {
                    byte[] damaged = (byte[])disk.Clone();
                    damaged[((int)sector * Sector) + at] ^= 2;
                    ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(damaged), new SoftSealer());
                    bool isCounterOfRoot = sector < 4 && at == 20;   // neither MAC nor hash: what it decrypts to fails elsewhere
                    Assert.True(report.IsDamaged, $"{sector} {at}");
                    Assert.True(isCounterOfRoot || report.Findings.Any(finding => finding.Kind == ImageFindingKind.Damage && finding.Sector == sector), $"{sector} {at}");
                }
            }
        }

        Assert.True(sectors >= 8, $"{sectors}");
    }

    [Fact]
    public void ManagerImage_AuthenticNonsense_IsSaidAndNeverThrows()
    {
        // Sectors that verify under the image's key, and say what no honest writer does.
        var golden = new GoldenManagerImage();
        byte[] disk = golden.Build(new GoldenGroup(60), new GoldenGroup(3), new GoldenGroup(1, 2)).Disk;
        var random = new Random(7);
        using var aes = Aes.Create();
        aes.SetKey(GoldenManagerImage.ImageKey);
        int damaged = 0;
        for (int round = 0; round < 600; round++)
        {
            var store = new MemoryBlockStore((byte[])disk.Clone());
            var sectors = new SectorDisk(store);
            uint sector = round % 3 == 0 ? 3 : golden.Sectors[random.Next(golden.Sectors.Count)];
            var plain = new byte[SectorDisk.PlainSize];
            Assert.True(sectors.TryRead(aes, sector, plain));
            uint[] values = [0xFFFFFFFF, 0x7FFFFFFF, 0, 4, 511, 512, 17, 1];
            BinaryPrimitives.WriteUInt32BigEndian(plain.AsSpan(round % 7 == 0 ? 12 : random.Next(plain.Length / 4) * 4), values[random.Next(values.Length)]);
            sectors.Write(aes, sector, plain);
            if (ManagerImageCheck.Run(store, new SoftSealer()).IsDamaged) damaged++;
        }

        Assert.True(damaged > 200, $"{damaged}");
    }

    [Fact]
    public void ManagerImage_VtpmOrGroupTwice_IsSaid()
    {
        byte[] disk = new GoldenManagerImage().Build(new GoldenGroup(2), new GoldenGroup(2)).Disk;
        var store = new MemoryBlockStore(disk);
        var sectors = new SectorDisk(store);
        using var aes = Aes.Create();
        aes.SetKey(GoldenManagerImage.ImageKey);
        var plain = new byte[SectorDisk.PlainSize];

        // The second group's first vTPM gets the uuid of its second; the hash in the parent stays behind, which is said too.
        Assert.True(sectors.TryRead(aes, 6, plain));
        plain.AsSpan(20, 16).CopyTo(plain);
        sectors.Write(aes, 6, plain);
        ImageReport report = ManagerImageCheck.Run(store, new SoftSealer());
        Assert.Contains(report.Findings, finding => finding is { Kind: ImageFindingKind.Damage, Group: 1, Sector: 6 } && finding.Text.Contains("hash", StringComparison.Ordinal));

        // Honestly written, as an image of the original can be.
        byte[] twice = new byte[64 * Sector];
        using ManagerImage image = ManagerImage.Create(new MemoryBlockStore(twice), new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        ManagerVtpm first = image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None)!;
        image.Unregister(first);
        ManagerGroup other = image.AddGroup();
        other.AddVtpm(first.Uuid, ManagerVtpmFlags.None);
        image.Save();
        report = ManagerImageCheck.Run(new MemoryBlockStore(twice), new SoftSealer());
        Assert.Contains(report.Findings, finding => finding.Kind == ImageFindingKind.Damage && finding.Group == 1 && finding.Text.Contains($"{first.Uuid} is in the image twice", StringComparison.Ordinal));
        Assert.Contains(report.Findings, finding => finding.Kind == ImageFindingKind.Warning && finding.Group == 1 && finding.Text.Contains("no platform", StringComparison.Ordinal));
    }

    [Fact]
    public void ManagerImage_TooSmallOrOfAnotherPlatform_IsSaid()
    {
        Assert.True(ManagerImageCheck.Run(new MemoryBlockStore(5 * Sector), new SoftSealer()).IsDamaged);
        ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(Image(out _)), new SoftSealer(2));
        Assert.False(report.IsWhole);
        Assert.Contains(report.Findings, finding => finding.Text.Contains("no entry of the seal list opens", StringComparison.Ordinal));
    }

    [Fact]
    public void VtpmImage_SlotsAndKeys_AreTold()
    {
        var store = new MemoryBlockStore(64 * 1024);
        Assert.Equal((CheckedImage.Blank, false), (VtpmImageCheck.Run(store).Image, VtpmImageCheck.Run(store).IsDamaged));
        Assert.True(VtpmImageCheck.Run(store, new byte[20]).IsDamaged);

        var image = new VtpmImage(store);
        image.StartFresh();
        byte[] older = new byte[VtpmImage.HashKeySize], newer = new byte[VtpmImage.HashKeySize];
        image.Save(new byte[1000], older);
        image.Accept();
        image.Save(RandomNumberGenerator.GetBytes(1001), newer);
        image.Accept();
        Assert.False(VtpmImageCheck.Run(store).IsDamaged);
        Assert.Contains(VtpmImageCheck.Run(store, newer.AsSpan(0, 20)).Findings, finding => finding.Root == 1 && finding.Text.Contains("1001 bytes", StringComparison.Ordinal)
            && finding.Text.Contains("the live one", StringComparison.Ordinal));
        Assert.True(VtpmImageCheck.Run(store, newer).IsWhole);
        Assert.True(VtpmImageCheck.Run(store, older).IsWhole);

        byte[] wrongKey = [.. newer[..20], .. RandomNumberGenerator.GetBytes(32)];
        Assert.Contains("not zero", Assert.Single(VtpmImageCheck.Run(store, wrongKey).Findings, finding => finding.Kind == ImageFindingKind.Damage).Text, StringComparison.Ordinal);
        Assert.True(VtpmImageCheck.Run(store, RandomNumberGenerator.GetBytes(52)).IsDamaged);

        store.Write(2000 + (32 * 1024), [1, 2, 3]);   // behind the state of slot 1, where nothing counts
        Assert.True(VtpmImageCheck.Run(store, newer).IsWhole);
        store.Write(900 + (32 * 1024), [1, 2, 3]);
        Assert.Contains("neither slot", Assert.Single(VtpmImageCheck.Run(store, newer).Findings, finding => finding.Kind == ImageFindingKind.Damage).Text, StringComparison.Ordinal);
        store.Write(0, [0xFF]);
        Assert.Contains(VtpmImageCheck.Run(store).Findings, finding => finding is { Root: 0, Kind: ImageFindingKind.Warning });
        Assert.True(VtpmImageCheck.Run(new MemoryBlockStore(100)).IsDamaged);
    }

    private static IEnumerable<string> Serious(ImageReport report) =>
        report.Findings.Where(finding => finding.Kind != ImageFindingKind.Note).Select(finding => $"{finding}");

    /// <summary>Both roots have the same state: two groups, 61 vTPMs, lists of version 1.</summary>
    private static byte[] Image(out ManagerImage image)
    {
        byte[] disk = new byte[64 * Sector];
        image = ManagerImage.Create(new MemoryBlockStore(disk), new SoftSealer());
        image.Groups[0].SetConfiguration(1, SoftSealer.Platforms(2), SoftSealer.Kernels(20));
        for (int i = 0; i < 60; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.AddGroup().SetConfiguration(1, [SoftSealer.Platform(1)], []);
        image.Groups[1].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        image.Save();
        image.Save();
        return disk;
    }
}
