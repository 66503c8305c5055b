using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>
/// One state, small and precious, in one file: saved by a single write and a single flush, and whole after a crash at any moment.
/// </summary>
/// <remarks>
/// <code>
/// 0     magic 16 || UINT32 version || UINT32 slot size || SHA-256 of these
/// 4096  slot 0: UINT64 sequence || UINT32 length || SHA-256 of sequence, length and state || state
///       slot 1 after it
/// </code>
/// The state goes to the slot that has not the newest one. A slot that is torn does not verify, and the other one counts. A new file has an
/// empty state of sequence 0 in slot 0, so that zeros are damage and never a fresh state. A state that outgrows its slot moves to a larger file
/// under the same name. The content is not encrypted: the file is readable by its owner alone.
/// </remarks>
public sealed class StateFile : IDisposable
{
    public const uint CurrentVersion = 1;

    /// <summary>No state is larger.</summary>
    public const int MaxStateSize = 16 * 1024 * 1024;

    private const int SectorSize = 4096;
    private const int SmallestSlot = 64 * 1024;
    private const int SlotCount = 2;
    private const int SlotHeaderSize = 8 + 4 + SHA256.HashSizeInBytes;
    private const int LargestSlot = (MaxStateSize + SlotHeaderSize) * 2;

    private DurableFile _file;
    private int _slotSize;
    private int _live;
    private ulong _sequence;
    private ulong _lastTried;

    private StateFile(DurableFile file, int slotSize)
    {
        _file = file;
        _slotSize = slotSize;
    }

    /// <summary>The slot that has not the newest state does not verify: a save was interrupted, or a newer state was damaged since.</summary>
    public bool OtherSlotDamaged { get; private set; }

    private static ReadOnlySpan<byte> Magic => "vTPM state file\n"u8;

    /// <summary>Opens the file, or makes a new, empty one if there is none.</summary>
    /// <exception cref="StorageException">In use, forbidden, damaged, or of a newer version.</exception>
    public static StateFile Open(string path)
    {
        if (!File.Exists(path) && CreateFile(path, SmallestSlot, 0, default, replace: false) is { } created)
        {
            created.FlushName();
            return new StateFile(created, SmallestSlot);
        }

        DurableFile file = DurableFile.Open(path);
        try
        {
            var state = new StateFile(file, ReadHeader(file));
            // A process that was killed may have written a state that no barrier has made durable: what is found here is on the disk.
            file.Flush();
            state.FindNewest();
            return state;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The newest state, for the caller to zero; null when nothing was ever saved.</summary>
    /// <exception cref="StorageException">The medium failed, or the state does not verify any more.</exception>
    public byte[]? Load()
    {
        if (_sequence == 0) return null;
        return ReadSlot(_live) is { } slot ? slot.State : throw Damaged("its newest state does not verify any more");
    }

    /// <summary>
    /// Makes <paramref name="state"/> the newest one: durable when this returns. When it throws, a later start finds the old state or this one, whole.
    /// </summary>
    /// <exception cref="StorageException">The medium failed.</exception>
    public void Save(ReadOnlySpan<byte> state)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(state.Length, MaxStateSize);

        // A save that failed may still have reached the disk: a number is never used twice.
        ulong sequence = ++_lastTried;
        if (state.Length > _slotSize - SlotHeaderSize)
        {
            Grow(sequence, state);
        }
        else
        {
            byte[] slot = MakeSlot(sequence, state);
            try
            {
                _file.Write(SlotOffset(1 - _live, _slotSize), slot);
                _file.Flush();
            }
            finally
            {
                CryptographicOperations.ZeroMemory(slot);
            }

            _live = 1 - _live;
        }

        _sequence = sequence;
        OtherSlotDamaged = false;
    }

    public void Dispose() => _file.Dispose();

    private static long SlotOffset(int slot, int slotSize) => SectorSize + ((long)slot * slotSize);

    private static DurableFile? CreateFile(string path, int slotSize, ulong sequence, ReadOnlySpan<byte> state, bool replace)
    {
        byte[] first = MakeSlot(sequence, state);
        try
        {
            return DurableFile.Create(path, file => Fill(file, slotSize, first), replace);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(first);
        }
    }

    // Every block is written, so that no later save has to allocate: it costs one flush of data, and a full file system cannot fail it.
    private static void Fill(DurableFile file, int slotSize, byte[] first)
    {
        var header = new byte[SectorSize];
        Magic.CopyTo(header);
        int end = Magic.Length;
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(end), CurrentVersion);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(end + 4), slotSize);
        end += 8;
        SHA256.HashData(header.AsSpan(0, end), header.AsSpan(end));
        file.Write(0, header);
        file.Write(SlotOffset(0, slotSize), first);
        file.Write(SlotOffset(0, slotSize) + first.Length, new byte[slotSize - first.Length]);
        file.Write(SlotOffset(1, slotSize), new byte[slotSize]);
    }

    private static byte[] MakeSlot(ulong sequence, ReadOnlySpan<byte> state)
    {
        var slot = new byte[SlotHeaderSize + state.Length];
        BinaryPrimitives.WriteUInt64BigEndian(slot, sequence);
        BinaryPrimitives.WriteInt32BigEndian(slot.AsSpan(8), state.Length);
        state.CopyTo(slot.AsSpan(SlotHeaderSize));
        Checksum(slot, slot.AsSpan(12));
        return slot;
    }

    private static void Checksum(ReadOnlySpan<byte> slot, Span<byte> destination)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(slot[..12]);
        hash.AppendData(slot[SlotHeaderSize..]);
        hash.GetHashAndReset(destination);
    }

    private static int ReadHeader(DurableFile file)
    {
        long length = file.FindLength();
        if (length < SectorSize) throw Damaged(file, "it is too short");
        var header = new byte[Magic.Length + 8 + SHA256.HashSizeInBytes];
        file.Read(0, header);
        if (!header.AsSpan(0, Magic.Length).SequenceEqual(Magic)) throw Damaged(file, "it does not begin as a state file does");

        uint version = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(Magic.Length));
        if (version > CurrentVersion)
        {
            throw new StorageException(
                StorageFault.NewerVersion,
                $"{file.Path} has format version {version} and this program knows up to {CurrentVersion}; use the newer program");
        }

        int end = Magic.Length + 8;
        if (!SHA256.HashData(header.AsSpan(0, end)).AsSpan().SequenceEqual(header.AsSpan(end))) throw Damaged(file, "its header does not verify");
        int slotSize = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(Magic.Length + 4));
        if (slotSize is < SlotHeaderSize or > LargestSlot || length < SlotOffset(SlotCount, slotSize)) throw Damaged(file, "it is too short");
        return slotSize;
    }

    private static StorageException Damaged(DurableFile file, string what) => new(
        StorageFault.Damaged,
        $"{file.Path} is damaged or no state file: {what}. Restore it from a copy; to lose the state and start anew, remove the file");

    private StorageException Damaged(string what) => Damaged(_file, what);

    private void FindNewest()
    {
        (ulong Sequence, byte[] State)?[] slots = [ReadSlot(0), ReadSlot(1)];
        int newest = -1;
        for (int i = 0; i < SlotCount; i++)
        {
            if (slots[i] is not { } slot) continue;
            CryptographicOperations.ZeroMemory(slot.State);
            if (newest < 0 || slot.Sequence > _sequence) (newest, _sequence) = (i, slot.Sequence);
        }

        if (newest < 0) throw Damaged("neither of its two states verifies");
        _live = newest;
        _lastTried = _sequence;
        OtherSlotDamaged = slots[1 - newest] is null && _sequence > 0;
    }

    private (ulong Sequence, byte[] State)? ReadSlot(int index)
    {
        Span<byte> header = stackalloc byte[SlotHeaderSize];
        _file.Read(SlotOffset(index, _slotSize), header);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        if (length > _slotSize - SlotHeaderSize) return null;

        var slot = new byte[SlotHeaderSize + (int)length];
        _file.Read(SlotOffset(index, _slotSize), slot);
        Span<byte> checksum = stackalloc byte[SHA256.HashSizeInBytes];
        Checksum(slot, checksum);
        byte[]? state = checksum.SequenceEqual(slot.AsSpan(12, checksum.Length)) ? slot[SlotHeaderSize..] : null;
        CryptographicOperations.ZeroMemory(slot.AsSpan(SlotHeaderSize));
        return state is null ? null : (BinaryPrimitives.ReadUInt64BigEndian(slot), state);
    }

    private void Grow(ulong sequence, ReadOnlySpan<byte> state)
    {
        int slotSize = (SlotHeaderSize + (state.Length * 2) + SectorSize - 1) / SectorSize * SectorSize;
        DurableFile larger = CreateFile(_file.Path, slotSize, sequence, state, replace: true)!;
        _file.Dispose();
        (_file, _slotSize, _live) = (larger, slotSize, 0);
        larger.FlushName();
    }
}
