using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage.Tests;

/// <summary>
/// A manager's image put together sector by sector as Xen's manager writes it, its quirks included, with neither the product's structures nor its
/// ciphers.
/// </summary>
internal sealed class GoldenManagerImage(int sectors = 512)
{
    public const int SectorSize = 4096;
    public const int VtpmsPerSector = 48;

    public static readonly Guid Manager = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
    public static readonly Guid GroupUuid = Guid.Parse("a0a1a2a3-a4a5-4aa7-98a9-aaabacadaeaf");
    public static readonly byte[] ImageKey = Pattern(0x10, 16);
    public static readonly byte[] AikAuth = Pattern(0x20, 20);
    public static readonly byte[] GroupKey = Pattern(0x40, 16);
    public static readonly byte[] RollbackKey = Pattern(0x50, 16);

    private uint _next = 4;

    public byte[] Disk { get; } = new byte[sectors * SectorSize];

    /// <summary>Locations of the sectors that were laid out, in order.</summary>
    public List<uint> Sectors { get; } = [];

    public ulong Sequence { get; init; } = 41;

    public int Root { get; init; } = 1;

    /// <summary>Who may open group 0 and the image.</summary>
    public byte Configuration { get; init; } = 1;

    public int OtherGroupsVtpms { get; init; } = 1;

    /// <summary>
    /// Entries in front of the one that opens, all for another configuration: more than twelve, and the list goes on in a sector of its own.
    /// </summary>
    public int OtherSeals { get; init; }

    /// <summary>The original leaves stack contents in the slots of a tree sector that it does not use.</summary>
    public byte UnusedTreeByte { get; init; }

    public static byte[] Pattern(byte first, int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(first + i))];

    public static Guid VtpmUuid(int number) => Guid.Parse($"ee010203-0405-4707-8809-0a0b{number:x8}");

    public static byte[] VtpmKeyData(int number) => [.. Pattern((byte)number, 52), .. new byte[12]];

    public static byte[] Uuid(Guid uuid) => uuid.ToByteArray(bigEndian: true);

    /// <summary>An image with as many groups, the first of which has the given number of vTPMs; the first vTPM has the ADMIN flag.</summary>
    public GoldenManagerImage Build(int vtpms, int groups = 1, byte otherGroupsConfiguration = 1) => Build(
        [new(vtpms, Configuration), .. Enumerable.Repeat(new GoldenGroup(OtherGroupsVtpms, otherGroupsConfiguration), groups - 1)]);

    public GoldenManagerImage Build(params GoldenGroup[] groups)
    {
        List<(uint Location, byte[] Hash)> references = [.. groups.Select((group, index) => Group(index, group.Vtpms, group.Configuration))];
        byte[] sealedRoot = new Layout().Bytes("Root"u8).Bytes(Uuid(Manager)).UInt32(0).Fill(0x31, 20).UInt32(0).Fill(0x32, 20).Bytes(ImageKey)
            .ToArray();
        SealList(sealedRoot);
        WriteRoot(references, groups);
        return this;
    }

    /// <summary>The plaintext of an encrypted sector, its CMAC verified by another library.</summary>
    public static byte[] Open(ReadOnlySpan<byte> disk, uint sector, byte[] key)
    {
        ReadOnlySpan<byte> bytes = disk.Slice((int)sector * SectorSize, SectorSize);
        if (!ReferenceCrypto.Cmac(key, bytes[32..]).AsSpan().SequenceEqual(bytes[..16]))
            throw new InvalidDataException($"sector {sector} has a wrong CMAC");
        return ReferenceCrypto.Ctr(key, bytes[16..32], bytes[32..]);
    }

    private static void SealEntry(Layout layout, byte configuration, byte[] secret) => layout
        .UInt32LittleEndian(0x0000_00FF).Fill(0x77, 20).Bytes(SoftSealer.Configuration(configuration).ReadOnlySpan)
            .Bytes(SoftSealer.SealedData(secret));

    // A sector of the list has a header and 13 entries; of the header only the length and the next sector count behind the first.
    private void SealList(byte[] sealedRoot)
    {
        byte[][] parts = [.. Enumerable.Range(0, (OtherSeals + 13) / 13).Select(_ => new byte[SectorSize])];
        uint[] places = [(uint)Root, .. parts.Skip(1).Select(_ => _next++)];
        for (int part = 0; part < parts.Length; part++)
        {
            int here = Math.Min(13, OtherSeals + 1 - (13 * part));
            Layout list = new Layout().Bytes(0x54, 0x50, 0x4D, 0xFE, 0x4D, 0x47, 0x52, 0xDD, 0x44, 0x4F, 0x4D, 0x00).UInt32(0).UInt32((uint)here)
                .UInt32(part + 1 < parts.Length ? places[part + 1] : 0);
            for (int i = 0; i < here; i++)
            {
                if ((13 * part) + i == OtherSeals) SealEntry(list, Configuration, sealedRoot);
                else SealEntry(list, 200, Pattern(3, 84));
            }

            Place(places[part], list.PadTo(SectorSize).ToArray());
        }
    }

    private void WriteRoot(List<(uint Location, byte[] Hash)> groups, GoldenGroup[] specifications)
    {
        (List<uint> locations, List<byte[]> hashes) = Tree(groups, 16);
        Layout area = new Layout().UInt64(Sequence).UInt32(5).UInt32((uint)groups.Count);
        hashes.ForEach(hash => area.Bytes(hash));
        byte[] macArea = area.PadTo(16 + (16 * 32)).ToArray();
        Layout root = new Layout().Bytes(macArea);
        locations.ForEach(location => root.UInt32(location));
        int[] proven = [.. Enumerable.Range(0, groups.Count).Where(group => specifications[group].HasRollbackMac)];
        root.PadTo(macArea.Length + 64).Fill(0, 8).UInt32((uint)proven.Length).UInt32(0).Fill(0, 32);
        foreach (int group in proven) root.UInt32((uint)group).Bytes(ReferenceCrypto.Cmac(RollbackKey, macArea));
        Encrypt((uint)(2 + Root), root.PadTo(3200).ToArray());
    }

    private (uint Location, byte[] Hash) Group(int index, int vtpms, byte configuration)
    {
        var pages = new List<(uint Location, byte[] Hash)>();
        for (int first = 0; first < vtpms; first += VtpmsPerSector) pages.Add(VtpmSector(index, first, Math.Min(VtpmsPerSector, vtpms - first)));
        (List<uint> locations, List<byte[]> hashes) = Tree(pages, 16);

        byte[] secret = new Layout().Bytes("TGrp"u8).Bytes(Uuid(Manager)).Bytes(AikAuth).Bytes(GroupKey).Bytes(RollbackKey).ToArray();
        byte[] uuid = Uuid(GroupUuid);
        uuid[15] += (byte)index;
        Layout group = new Layout().Bytes(uuid).Fill(0x61, 256).Fill(0x62, 256).Fill(0x63, 256).Fill(0x64, 32);   // identity
        group.UInt64(7).UInt64(8).UInt64(0).Fill(0x65, 256);   // details
        group.UInt32(1);   // boot configurations
        SealEntry(group, configuration, secret);
        group.Fill(0, 4 * 300).UInt32(2).Fill(0xB1, 20).Fill(0xB2, 20).Fill(0, 14 * 20).Fill(0, 32);
        group.UInt32((uint)vtpms);
        hashes.ForEach(hash => group.Bytes(hash));
        group.PadTo(3472);
        group.Bytes(ReferenceCrypto.Cmac(GroupKey, group.ToArray()));
        byte[] hash = SHA256.HashData(group.ToArray());
        locations.ForEach(location => group.UInt32(location));
        group.PadTo(3488 + 64).UInt32(0).UInt32(0);   // where boot configurations go on, and what the compiler aligns
        return (Place(group.ToArray()), hash);
    }

    private (uint Location, byte[] Hash) VtpmSector(int group, int first, int count)
    {
        var headers = new Layout();
        var data = new Layout();
        for (int i = 0; i < count; i++)
        {
            int number = (group * 100_000) + first + i;
            headers.Bytes(Uuid(VtpmUuid(number))).UInt32(number == 0 ? 1u : 0);
            data.Bytes(VtpmKeyData(number));
        }

        byte[] counter = Pattern((byte)(0xF0 + first), 16);
        byte[] keyData = ReferenceCrypto.Ctr(GroupKey, counter, data.PadTo(VtpmsPerSector * 64).ToArray());
        byte[] plain = headers.PadTo(VtpmsPerSector * 20).Bytes(counter).Bytes(keyData).ToArray();
        return (Place(plain), SHA256.HashData(plain));
    }

    // What goes into a parent: the children, or trees for 112, 112 * 112, ... of them in each slot.
    private (List<uint> Locations, List<byte[]> Hashes) Tree(List<(uint Location, byte[] Hash)> children, int slots)
    {
        int each = 1;
        while (slots * each < children.Count) each *= 112;
        if (each == 1) return ([.. children.Select(child => child.Location)], [.. children.Select(child => child.Hash)]);
        var locations = new List<uint>();
        var hashes = new List<byte[]>();
        foreach ((uint Location, byte[] Hash)[] part in children.Chunk(each))
        {
            (List<uint> below, List<byte[]> hashesBelow) = Tree([.. part], 112);
            var tree = new Layout();
            foreach (uint location in below) tree.UInt32(location);
            tree.Fill(UnusedTreeByte, 448 - tree.Length);
            foreach (byte[] hash in hashesBelow) tree.Bytes(hash);
            tree.Fill(UnusedTreeByte, 4032 - tree.Length);
            hashes.Add(SHA256.HashData(tree.ToArray().AsSpan(448)));
            locations.Add(Place(tree.ToArray()));
        }

        return (locations, hashes);
    }

    private uint Place(byte[] plain)
    {
        Sectors.Add(_next);
        Encrypt(_next, plain);
        return _next++;
    }

    private void Place(uint sector, byte[] bytes) => bytes.CopyTo(Disk, (int)sector * SectorSize);

    // The original's quirk: after a plaintext that ends inside a block it writes the next block of key stream over that block, not after it, and
    // leaves the last block of the sector as it was in memory.
    private void Encrypt(uint sector, byte[] plain)
    {
        byte[] counter = Pattern((byte)sector, 16);
        byte[] stream = ReferenceCrypto.KeyStream(ImageKey, counter, 4064 / 16);
        var body = (byte[])stream.Clone();
        for (int i = 0; i < plain.Length; i++) body[i] ^= plain[i];
        if (plain.Length % 16 != 0)
        {
            int partial = plain.Length / 16 * 16;
            stream.AsSpan(partial + 16).CopyTo(body.AsSpan(partial));
            body.AsSpan(4064 - 16).Fill(0xDB);
        }

        Place(sector, [.. ReferenceCrypto.Cmac(ImageKey, body), .. counter, .. body]);
    }
}

/// <summary>A group of a golden image.</summary>
/// <param name="Vtpms">How many vTPMs it has.</param>
/// <param name="Configuration">The one that opens it.</param>
/// <param name="HasRollbackMac">Whether the root proves it.</param>
internal sealed record GoldenGroup(int Vtpms, byte Configuration = 1, bool HasRollbackMac = true);
