using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <summary>
/// Format version 1: where a group's platforms and kernels go on that have no room in its own sector. First the platforms, then the kernels, each
/// sector filled before the next; a sector's hash covers all but the location of the one behind it, so that it may move without its parent changing.
/// </summary>
/// <remarks>
/// <code>
/// UINT32 next sector, or 0 || hash of the next 32 || UINT32 platforms here || UINT32 kernels here || seal entries || kernel hashes || zeros
///                             `---- 4060 bytes under the hash -----------------------------------------------------------------------'
/// </code>
/// </remarks>
internal sealed class ConfigurationChain
{
    private const int EntrySize = 4 + TpmDigest.Size + TpmDigest.Size + SealEntry.SealedDataSize;
    private const int LocationSize = sizeof(uint);
    private const int HeaderSize = HashTree.HashSize + sizeof(uint) + sizeof(uint);
    private const int BodySize = SectorDisk.PlainSize - LocationSize;
    private const int Room = BodySize - HeaderSize;

    public static ConfigurationChain None { get; } = new([], new byte[HashTree.HashSize]);

    private ConfigurationChain(IReadOnlyList<uint> sectors, byte[] hash) => (Sectors, Hash) = (sectors, hash);

    /// <summary>In the order of the list.</summary>
    public IReadOnlyList<uint> Sectors { get; }

    /// <summary>The hash of the first, which the group has; zeros when there is none.</summary>
    public byte[] Hash { get; }

    public uint First => Sectors.Count > 0 ? Sectors[0] : 0;

    /// <summary>Whether the configuration has no room in the group's own sector.</summary>
    public static bool IsNeeded(in GroupSector group) => group.SealsUsed > GroupSector.SealCount || group.KernelsUsed > GroupSector.KernelCount;

    /// <summary>How many sectors it takes.</summary>
    public static int Count(in GroupSector group) => Portions(group).Count;

    /// <summary>Writes the chain, from its end, since each sector says where the next one is.</summary>
    public static ConfigurationChain Write(in GroupSector group, Func<ReadOnlySpan<byte>, uint> write)
    {
        List<(int Platforms, int Kernels)> portions = Portions(group);
        var sectors = new uint[portions.Count];
        byte[] hash = new byte[HashTree.HashSize];
        (int platform, int kernel) = ((int)group.SealsUsed, (int)group.KernelsUsed);
        for (int i = portions.Count - 1; i >= 0; i--)
        {
            (int platforms, int kernels) = portions[i];
            platform -= platforms;
            kernel -= kernels;
            byte[] plain = new byte[SectorDisk.PlainSize];
            if (i + 1 < portions.Count) BinaryPrimitives.WriteUInt32BigEndian(plain, sectors[i + 1]);
            hash = Fill(plain.AsSpan(LocationSize), hash, group.Seals.AsSpan(platform, platforms), group.Kernels.AsSpan(kernel, kernels));
            sectors[i] = write(plain);
        }

        return new ConfigurationChain(sectors, hash);
    }

    /// <summary>Completes a group's lists. False when a sector does not verify or is not as <see cref="Write"/> makes it.</summary>
    public static bool TryRead(Func<uint, byte[]?> read, ref GroupSector group, [NotNullWhen(true)] out ConfigurationChain? chain)
    {
        chain = null;
        var seals = new SealEntry[group.SealsUsed];
        var kernels = new TpmDigest[group.KernelsUsed];
        group.Seals.AsSpan(0, Math.Min(seals.Length, GroupSector.SealCount)).CopyTo(seals);
        group.Kernels.AsSpan(0, Math.Min(kernels.Length, GroupSector.KernelCount)).CopyTo(kernels);
        (int platform, int kernel) = (Math.Min(seals.Length, GroupSector.SealCount), Math.Min(kernels.Length, GroupSector.KernelCount));
        var sectors = new List<uint>();
        (uint next, byte[] hash) = (group.BootConfigurationsNext, group.NextHash);
        foreach ((int platforms, int kernelsHere) in Portions(group))
        {
            if (read(next) is not { } plain || !CryptographicOperations.FixedTimeEquals(SHA256.HashData(plain.AsSpan(LocationSize)), hash))
                return false;
            if (!HasCounts(plain.AsSpan(LocationSize), platforms, kernelsHere)) return false;
            Parse(plain.AsSpan(LocationSize + HeaderSize), seals.AsSpan(platform, platforms), kernels.AsSpan(kernel, kernelsHere));
            sectors.Add(next);
            (platform, kernel) = (platform + platforms, kernel + kernelsHere);
            (next, hash) = (BinaryPrimitives.ReadUInt32BigEndian(plain), plain.AsSpan(LocationSize, HashTree.HashSize).ToArray());
        }

        if (next != 0) return false;
        // A group that is closed is written again from what was read, and its MAC cannot be made anew: the very same bytes have to come of it.
        group.Seals = Padded(seals, GroupSector.SealCount);
        group.Kernels = Padded(kernels, GroupSector.KernelCount);
        chain = new ConfigurationChain(sectors, group.NextHash);
        return Write(group, static _ => 0).Hash.AsSpan().SequenceEqual(group.NextHash);
    }

    private static List<(int Platforms, int Kernels)> Portions(in GroupSector group)
    {
        var portions = new List<(int, int)>();
        int platforms =
            Math.Max(0, (int)group.SealsUsed - GroupSector.SealCount), kernels = Math.Max(0, (int)group.KernelsUsed - GroupSector.KernelCount);
        while (platforms + kernels > 0)
        {
            int first = Math.Min(platforms, Room / EntrySize);
            int second = Math.Min(kernels, (Room - (first * EntrySize)) / TpmDigest.Size);
            portions.Add((first, second));
            (platforms, kernels) = (platforms - first, kernels - second);
        }

        return portions;
    }

    private static byte[] Fill(Span<byte> body, byte[] nextHash, ReadOnlySpan<SealEntry> seals, ReadOnlySpan<TpmDigest> kernels)
    {
        var writer = new WireWriter(body);
        writer.Fixed(nextHash);
        uint count = (uint)seals.Length;
        writer.UInt32(ref count);
        count = (uint)kernels.Length;
        writer.UInt32(ref count);
        foreach (SealEntry seal in seals)
        {
            SealEntry entry = seal;
            writer.Structure(ref entry);
        }

        foreach (TpmDigest kernel in kernels)
        {
            TpmDigest digest = kernel;
            writer.Structure(ref digest);
        }

        return SHA256.HashData(body);
    }

    private static bool HasCounts(ReadOnlySpan<byte> body, int platforms, int kernels) =>
        BinaryPrimitives.ReadUInt32BigEndian(body[HashTree.HashSize..]) == platforms
        && BinaryPrimitives.ReadUInt32BigEndian(body[(HashTree.HashSize + sizeof(uint))..]) == kernels;

    private static void Parse(ReadOnlySpan<byte> lists, Span<SealEntry> seals, Span<TpmDigest> kernels)
    {
        var reader = new WireReader(lists);
        for (int i = 0; i < seals.Length; i++) SealEntry.Describe(ref reader, ref seals[i]);
        for (int i = 0; i < kernels.Length; i++) TpmDigest.Describe(ref reader, ref kernels[i]);
    }

    private static T[] Padded<T>(T[] items, int length)
    {
        if (items.Length < length) Array.Resize(ref items, length);
        return items;
    }
}
