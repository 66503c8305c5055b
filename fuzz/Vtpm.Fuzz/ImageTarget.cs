using System.Buffers.Binary;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Fuzz;

/// <summary>
/// A manager's image with changes in it: the first byte names one of a few images, the second how much is made right again afterwards; then changes of
/// 5 bytes and more: sector, offset (two bytes each), length, bytes. What opens can be saved, and is read again as it was.
/// </summary>
public sealed class ImageTarget : IFuzzTarget
{
    private const byte RepairsEverything = 1;
    private const byte InClear = 2;
    private const byte Truncates = 4;

    private readonly Lazy<Base[]> _bases = new(() => [MakeBase(60, 2, 0), MakeBase(1, 1, 40), MakeBase(800, 18, 0), MakeBase(3, 2, 300)]);

    public string Name => "image";

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < 2) return;
        Base image = _bases.Value[input[0] % _bases.Value.Length];
        byte flags = input[1];
        byte[] disk = (byte[])image.Disk.Clone();
        if ((flags & Truncates) != 0 && input.Length >= 4) disk = disk[..(BinaryPrimitives.ReadUInt16BigEndian(input[2..]) * 16 % disk.Length)];
        Change(disk, image, flags, input[2..]);
        Check(disk);
    }

    public IEnumerable<(string Name, byte[] Input)> Seeds()
    {
        for (byte image = 0; image < 4; image++)
        {
            foreach (byte flags in new byte[] { 0, 1, 2, 4 })
            {
                yield return ($"image-{image}-{flags}", [image, flags]);
                yield return ($"root-{image}-{flags}", [image, flags, 0, 3, 0, 15, 1, 5]);
                yield return ($"list-{image}-{flags}", [image, flags, 0, 1, 0, 19, 1, 2]);
                yield return ($"group-{image}-{flags}", [image, flags, 0, 5, 11, 143, 4, 0, 0, 3, 1, 0, 6, 0, 20, 2, 1, 1]);
            }
        }
    }

    private static void Change(byte[] disk, Base image, byte flags, ReadOnlySpan<byte> changes)
    {
        var sectors = new SectorDisk(new MemoryBlockStore(disk));
        var repair = new ImageRepair(sectors, image.Key.Cipher, image.GroupKey.Cipher);
        while (changes.Length > 5)
        {
            uint sector = BinaryPrimitives.ReadUInt16BigEndian(changes);
            int offset = BinaryPrimitives.ReadUInt16BigEndian(changes[2..]);
            ReadOnlySpan<byte> bytes = changes.Slice(5, Math.Min(changes[4], changes.Length - 5));
            changes = changes[(5 + bytes.Length)..];
            if (sector >= sectors.Count) continue;
            bool inClear = sector < 2 || (flags & InClear) != 0;
            Span<byte> target = inClear ? disk.AsSpan((int)sector * SectorDisk.SectorSize, SectorDisk.SectorSize) : repair[sector];
            if (offset + bytes.Length <= target.Length) bytes.CopyTo(target[offset..]);
        }

        if ((flags & RepairsEverything) != 0 && sectors.Count > 4)
            foreach (uint root in new uint[] { 2, 3 }) repair.Repair(root);
        if ((flags & InClear) == 0) repair.Write();
    }

    private static void Check(byte[] disk)
    {
        var sealer = new OpenSealer();
        byte[] before = (byte[])disk.Clone();
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), sealer);
        ImageReport report = ManagerImageCheck.Run(new MemoryBlockStore(disk), sealer);
        ImageFaces.Check(disk.AsSpan().SequenceEqual(before), "looking at an image has changed it");
        using ManagerImage? image = open.Image;
        ImageFaces.Check((open.Content == ManagerImageContent.Opened) == (image is not null), "an outcome without its image");
        ImageFaces.Check(image is not null || report.IsDamaged, $"refused as {open.Content}, and the check finds no damage");
        if (image is null) return;

        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        ManagerSave save = image.Save();
        if (save.Write is ManagerWrite.Full or ManagerWrite.NotSealed) return;
        ImageFaces.Check(save.Write == ManagerWrite.Saved, $"what opened was not saved: {save.Reason}");
        ManagerOpen again = ManagerImage.Open(new MemoryBlockStore(disk), sealer);
        using ManagerImage? found = again.Image;
        ImageFaces.Check(found is not null, $"what was saved does not open: {again.Reason}");
        ImageFaces.Check(ImageFaces.Of(found!) == ImageFaces.Of(image), "what was saved comes back as something else");
    }

    private static Base MakeBase(int vtpms, int groups, int kernels)
    {
        byte[] disk = new byte[96 * SectorDisk.SectorSize];
        using ManagerImage image = ManagerImage.Create(new MemoryBlockStore(disk), new OpenSealer());
        image.Groups[0].SetConfiguration(1, [.. Platforms(kernels / 10 + 1)], [.. Enumerable.Range(0, kernels).Select(i => TpmDigest.Of([(byte)i, (byte)(i >> 8)]))]);
        for (int i = 0; i < vtpms; i++) image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        for (int i = 1; i < groups; i++) image.AddGroup().SetConfiguration(1, [.. Platforms(1)], []);
        for (int i = 0; i < 2; i++)
            if (image.Save() is { Write: not ManagerWrite.Saved } save) throw new InvalidOperationException(save.Reason);
        return new Base(disk, new KeyBytes(image.Keys.Key.Span), new KeyBytes(image.Groups[0].GroupKey));
    }

    private static IEnumerable<PlatformConfiguration> Platforms(int count) =>
        Enumerable.Range(0, count).Select(i => new PlatformConfiguration(1, TpmDigest.Of([(byte)i])));

    private sealed record Base(byte[] Disk, KeyBytes Key, KeyBytes GroupKey);
}
