using System.Buffers.Binary;
using System.Globalization;

namespace Vtpm.Boot;

/// <summary>A partition: its number, as in <c>xvda1</c>, and what is in it.</summary>
internal readonly record struct Partition(int Number, IDisk Content);

/// <summary>The partitions of a disk, by its MBR with logical partitions, or its GPT.</summary>
internal static class PartitionTable
{
    private const int Sector = 512;
    private const int MostPartitions = 128;
    private const byte Protective = 0xEE;

    /// <summary>The partitions, in the order of their numbers; none where the disk has no table.</summary>
    public static IReadOnlyList<Partition> Read(IDisk disk)
    {
        Span<byte> sector = stackalloc byte[Sector];
        disk.Read(0, sector);
        if (!IsTable(sector)) return [];
        var partitions = new List<Partition>();
        foreach (TableEntry entry in Entries(sector))
        {
            if (entry.Type == Protective) return ReadGpt(disk);
            if (entry.IsExtended) AddLogical(disk, entry.Start, partitions);
            else if (entry.Type != 0 && entry.Count != 0) partitions.Add(entry.At(disk, 0));
        }

        return [.. partitions.OrderBy(partition => partition.Number)];
    }

    /// <summary>A chain of tables: each has one partition, and the place of the next table from the first one on.</summary>
    private static void AddLogical(IDisk disk, long first, List<Partition> partitions)
    {
        Span<byte> sector = stackalloc byte[Sector];
        const int firstNumber = 5;
        long at = first;
        // A chain that leads back to itself ends here too.
        for (int number = firstNumber; number < firstNumber + MostPartitions; number++)
        {
            disk.Read(at * Sector, sector);
            if (!IsTable(sector)) return;
            TableEntry[] entries = Entries(sector);
            if (entries[0].Type != 0 && entries[0].Count != 0) partitions.Add(entries[0].At(disk, at) with { Number = number });
            if (!entries[1].IsExtended) return;
            at = first + entries[1].Start;
        }
    }

    private static List<Partition> ReadGpt(IDisk disk)
    {
        Span<byte> header = stackalloc byte[Sector];
        disk.Read(Sector, header);
        if (!header[..8].SequenceEqual("EFI PART"u8)) throw new BootException("the guest's disk has the mark of a GPT and no GPT (of 512-byte sectors)");
        long table = BinaryPrimitives.ReadInt64LittleEndian(header[72..]);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(header[80..]);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(header[84..]);
        if (size is < 128 or > 4096) throw new BootException(string.Create(CultureInfo.InvariantCulture, $"the entries of the disk's GPT have {size} bytes each"));
        var partitions = new List<Partition>();
        Span<byte> entry = stackalloc byte[128];
        for (int i = 0; i < Math.Min(count, MostPartitions); i++)
        {
            disk.Read(Bytes(table) + i * size, entry);
            (long first, long last) = (BinaryPrimitives.ReadInt64LittleEndian(entry[32..]), BinaryPrimitives.ReadInt64LittleEndian(entry[40..]));
            if (entry[..16].ContainsAnyExcept((byte)0) && first > 0 && last >= first)
                partitions.Add(new Partition(i + 1, new DiskPart(disk, Bytes(first), Bytes(last - first + 1))));
        }

        return partitions;
    }

    /// <summary>A sector's place in bytes; a number beyond all disks is beyond this one.</summary>
    private static long Bytes(long sectors) => sectors is >= 0 and < long.MaxValue / Sector ? sectors * Sector : throw new BootException("the disk's GPT points outside of the disk");

    private static bool IsTable(ReadOnlySpan<byte> sector) => sector[510] == 0x55 && sector[511] == 0xAA;

    private static TableEntry[] Entries(ReadOnlySpan<byte> sector)
    {
        var entries = new TableEntry[4];
        for (int i = 0; i < entries.Length; i++)
        {
            ReadOnlySpan<byte> entry = sector[(446 + 16 * i)..];
            entries[i] = new TableEntry(i + 1, entry[4], BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]));
        }

        return entries;
    }

    private readonly record struct TableEntry(int Number, byte Type, uint Start, uint Count)
    {
        public bool IsExtended => Type is 0x05 or 0x0F or 0x85 && Count != 0;

        /// <param name="disk">The disk.</param>
        /// <param name="origin">The sector from which the start is counted.</param>
        public Partition At(IDisk disk, long origin) => new(Number, new DiskPart(disk, (origin + Start) * Sector, (long)Count * Sector));
    }
}
