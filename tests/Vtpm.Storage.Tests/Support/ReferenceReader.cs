using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Vtpm.Storage.Tests;

/// <summary>
/// Reads a manager's image by its documented layout (docs/manager-image.md), with none of the product's code, and says what is in it in the words of
/// <see cref="Snapshot"/>. Throws for anything that does not verify.
/// </summary>
internal sealed class ReferenceReader
{
    private const int SectorSize = 4096;
    private const int EntrySize = 300;

    private readonly byte[] _disk;
    private readonly Func<byte[], byte[]?> _unseal;
    private readonly HashSet<uint> _used = [0, 1, 2, 3];
    private readonly StringBuilder _text = new();
    private byte[] _key = [];
    private byte[] _managerUuid = [];

    private ReferenceReader(byte[] disk, Func<byte[], byte[]?> unseal) => (_disk, _unseal) = (disk, unseal);

    /// <summary>The version of the seal list that was read.</summary>
    public uint Version { get; private set; }

    /// <param name="disk">The image.</param>
    /// <param name="configuration">Where the entries of which <see cref="SoftSealer"/> open.</param>
    public static string Read(byte[] disk, byte configuration = 1) => Read(disk, configuration, out _);

    public static string Read(byte[] disk, byte configuration, out uint version)
    {
        var sealer = new SoftSealer(configuration);
        var reader = new ReferenceReader(disk, entry => sealer.Unseal(new SealEntry
        {
            DigestRelease = Wire.WireFormat.Read<Wire.TpmDigest>(entry.AsSpan(24, 20), out Wire.TpmDigest digest) == 0 ? digest : default,
            SealedData = entry[44..],
        }));
        string text = reader.Read();
        version = reader.Version;
        return text;
    }

    private static uint UInt32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private static ulong UInt64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]);

    private static Guid Uuid(ReadOnlySpan<byte> bytes) => new(bytes[..16], bigEndian: true);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexString(bytes);

    private static void Verify(bool holds, string what)
    {
        if (!holds) throw new InvalidDataException(what);
    }

    private string Read()
    {
        var roots = new List<(ulong Sequence, int Root, byte[] Secret, byte[] Sector)>();
        for (int root = 0; root < 2; root++)
        {
            if (SealedRoot(root) is not { } secret) continue;
            byte[]? sector = TryDecrypt((uint)(2 + root), secret[68..84]);
            if (sector is not null) roots.Add((UInt64(sector, 0), root, secret, sector));
        }

        Verify(roots.Count > 0, "no root opens");
        (_, int newest, byte[] keys, byte[] plain) = roots.MaxBy(root => root.Sequence);
        (_key, _managerUuid) = (keys[68..84], keys[4..20]);
        Version = UInt32(_disk, (newest * SectorSize) + 12);
        SealChain((uint)newest);
        Root(keys, plain);
        return _text.ToString();
    }

    // 24 bytes in front, 13 entries; further sectors have the same form.
    private IEnumerable<byte[]> SealEntries(uint sector, List<uint>? chain = null)
    {
        do
        {
            byte[] list = _disk[((int)sector * SectorSize)..(((int)sector + 1) * SectorSize)];
            for (int i = 0; i < UInt32(list, 16); i++) yield return list[(24 + (i * EntrySize))..(24 + ((i + 1) * EntrySize))];
            sector = UInt32(list, 20);
            if (sector != 0) chain?.Add(sector);
        }
        while (sector != 0);
    }

    private byte[]? SealedRoot(int root)
    {
        byte[] magic = [0x54, 0x50, 0x4D, 0xFE, 0x4D, 0x47, 0x52, 0xDD, 0x44, 0x4F, 0x4D, 0x00];
        if (!_disk.AsSpan(root * SectorSize, 12).SequenceEqual(magic)) return null;
        return SealEntries((uint)root).Select(_unseal).FirstOrDefault(secret => secret is { Length: 84 } && secret.AsSpan(0, 4).SequenceEqual("Root"u8));
    }

    private void SealChain(uint root)
    {
        var chain = new List<uint>();
        foreach (byte[] unused in SealEntries(root, chain)) Verify(unused.Length == EntrySize, "a seal entry");
        foreach (uint sector in chain) Verify(_used.Add(sector), $"sector {sector} of the seal list is used twice");
    }

    private byte[]? TryDecrypt(uint sector, byte[] key)
    {
        ReadOnlySpan<byte> bytes = _disk.AsSpan((int)sector * SectorSize, SectorSize);
        return ReferenceCrypto.Cmac(key, bytes[32..]).AsSpan().SequenceEqual(bytes[..16]) ? ReferenceCrypto.Ctr(key, bytes[16..32], bytes[32..]) : null;
    }

    private byte[] Sector(uint sector)
    {
        Verify(_used.Add(sector), $"sector {sector} is used twice");
        return TryDecrypt(sector, _key) ?? throw new InvalidDataException($"sector {sector} has a wrong CMAC");
    }

    private void Root(byte[] keys, byte[] root)
    {
        _text.AppendLine($"manager {Uuid(_managerUuid)} counter {UInt32(keys, 44)}/{UInt32(root, 8)} {Hex(keys.AsSpan(48, 20))}");
        _text.AppendLine($"nvram {UInt32(keys, 20)} {Hex(keys.AsSpan(24, 20))}");
        int groups = (int)UInt32(root, 12);
        List<(uint Location, byte[] Hash)> children = Children(groups, 16, root.AsSpan(528), root.AsSpan(16));
        var parsed = children.Select(child => (child.Location, Plain: Sector(child.Location), child.Hash)).ToList();
        Dictionary<uint, byte[]> macs = RollbackMacs(root);
        for (int i = 0; i < groups; i++)
        {
            Verify(SHA256.HashData(parsed[i].Plain.AsSpan(0, 3488)).AsSpan().SequenceEqual(parsed[i].Hash), $"group {i} has a wrong hash");
            Group(i, parsed[i].Plain, root[..528], macs.GetValueOrDefault((uint)i));
        }
    }

    private Dictionary<uint, byte[]> RollbackMacs(byte[] root)
    {
        var macs = new Dictionary<uint, byte[]>();
        for (int i = 0; i < UInt32(root, 600); i++) macs[UInt32(root, 640 + (20 * i))] = root[(644 + (20 * i))..(660 + (20 * i))];
        (uint next, byte[] hash) = (UInt32(root, 604), root[608..640]);
        while (next != 0)
        {
            byte[] sector = Sector(next);
            Verify(SHA256.HashData(sector).AsSpan().SequenceEqual(hash), $"sector {next} of rollback MACs has a wrong hash");
            for (int i = 0; i < UInt32(sector, 0); i++) macs[UInt32(sector, 40 + (20 * i))] = sector[(44 + (20 * i))..(60 + (20 * i))];
            (next, hash) = (UInt32(sector, 4), sector[8..40]);
        }

        return macs;
    }

    private void Group(int index, byte[] plain, byte[] macArea, byte[]? mac)
    {
        (List<byte[]> entries, List<byte[]> kernels) = Configuration(plain);
        byte[]? keys = entries.Select(_unseal).FirstOrDefault(secret => secret is { Length: 72 } && secret.AsSpan(0, 4).SequenceEqual("TGrp"u8));
        bool rollback = (UInt64(plain, 832) & 1) != 0;
        if (keys is not null)
        {
            Verify(keys.AsSpan(4, 16).SequenceEqual(_managerUuid), $"group {index} is of another manager");
            Verify(ReferenceCrypto.Cmac(keys[40..56], plain.AsSpan(0, 3472)).AsSpan().SequenceEqual(plain.AsSpan(3472, 16)), $"group {index} has a wrong CMAC");
            rollback |= mac is null || !ReferenceCrypto.Cmac(keys[56..72], macArea).AsSpan().SequenceEqual(mac);
        }

        _text.AppendLine($"group {index} {Uuid(plain)} open {keys is not null} rollback {rollback}");
        _text.AppendLine(CultureInfo.InvariantCulture, $"configuration {UInt64(plain, 824)}");
        foreach (int at in new[] { 16, 272, 528, 840 }) _text.AppendLine(Hex(plain.AsSpan(at, 256)));
        foreach (byte[] entry in entries)
            _text.AppendLine($"  platform {BinaryPrimitives.ReadUInt32LittleEndian(entry):X8} {Convert.ToHexStringLower(entry.AsSpan(24, 20))}");
        foreach (byte[] kernel in kernels) _text.AppendLine($"  kernel {Convert.ToHexStringLower(kernel)}");
        if (keys is not null) _text.AppendLine(Hex(keys.AsSpan(20)));
        Vtpms(plain, keys?[40..56]);
    }

    // From version 1 on the lists may be longer than the group's sector has room for, and go on in others.
    private (List<byte[]> Entries, List<byte[]> Kernels) Configuration(byte[] group)
    {
        (int platforms, int kernels) = ((int)UInt32(group, 1096), (int)UInt32(group, 2600));
        List<byte[]> entries =
            [.. Enumerable.Range(0, Math.Min(5, platforms)).Select(i => group[(1100 + (EntrySize * i))..(1100 + (EntrySize * (i + 1)))])];
        List<byte[]> hashes = [.. Enumerable.Range(0, Math.Min(16, kernels)).Select(i => group[(2604 + (20 * i))..(2624 + (20 * i))])];
        Verify(Version == 1 || (entries.Count == platforms && hashes.Count == kernels), "lists that are too long for version 0");
        (uint next, byte[] hash) = (UInt32(group, 3552), group[2924..2956]);
        while (entries.Count < platforms || hashes.Count < kernels)
        {
            byte[] sector = Sector(next);
            Verify(SHA256.HashData(sector.AsSpan(4)).AsSpan().SequenceEqual(hash), $"sector {next} of a configuration has a wrong hash");
            (int here, int kernelsHere) = ((int)UInt32(sector, 36), (int)UInt32(sector, 40));
            int at = 44 + (EntrySize * here);
            entries.AddRange(Enumerable.Range(0, here).Select(i => sector[(44 + (EntrySize * i))..(44 + (EntrySize * (i + 1)))]));
            hashes.AddRange(Enumerable.Range(0, kernelsHere).Select(i => sector[(at + (20 * i))..(at + (20 * (i + 1)))]));
            (next, hash) = (UInt32(sector, 0), sector[4..36]);
        }

        return (entries, hashes);
    }

    private void Vtpms(byte[] group, byte[]? groupKey)
    {
        int left = (int)UInt32(group, 2956);
        foreach ((uint location, byte[] hash) in Children((left + 47) / 48, 16, group.AsSpan(3488), group.AsSpan(2960)))
        {
            byte[] plain = Sector(location);
            Verify(SHA256.HashData(plain.AsSpan(0, 4048)).AsSpan().SequenceEqual(hash), $"sector {location} has a wrong hash");
            byte[]? data = groupKey is null ? null : ReferenceCrypto.Ctr(groupKey, plain.AsSpan(960, 16), plain.AsSpan(976, 3072));
            for (int i = 0; i < Math.Min(48, left); i++)
            {
                var flags = (ManagerVtpmFlags)UInt32(plain, (20 * i) + 16);
                _text.AppendLine($"  vtpm {Uuid(plain.AsSpan(20 * i))} {flags} {(data is null ? "closed" : Hex(data.AsSpan(64 * i, 64)))}");
            }

            left -= 48;
        }
    }

    private List<(uint Location, byte[] Hash)> Children(int count, int width, ReadOnlySpan<byte> locations, ReadOnlySpan<byte> hashes)
    {
        var children = new List<(uint, byte[])>();
        int each = 1;
        while (each * width < count) each *= 112;
        for (int i = 0; i * each < count; i++)
        {
            (uint location, byte[] hash) = (UInt32(locations, 4 * i), hashes.Slice(32 * i, 32).ToArray());
            if (each == 1)
            {
                children.Add((location, hash));
                continue;
            }

            byte[] tree = Sector(location);
            Verify(SHA256.HashData(tree.AsSpan(448, 112 * 32)).AsSpan().SequenceEqual(hash), $"tree sector {location} has a wrong hash");
            children.AddRange(Children(Math.Min(each, count - (i * each)), 112, tree.AsSpan(0, 448), tree.AsSpan(448, 112 * 32)));
        }

        return children;
    }
}
