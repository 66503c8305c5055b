using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Vtpm.Storage;

/// <summary>
/// What a vTPM knows of its guest's boot (PCRs above all), for the process that comes after one that has died: a file of fixed size in memory, which
/// outlives processes and not the machine.
/// </summary>
/// <remarks>
/// <code>
/// 0     | "vTPMrec2" 8 | UINT32 origin | guest 32 | SHA-256 of these 32 |        whose boot it is: written when the guest is new
/// 512   | UINT64 sequence | UINT32 length | content … | SHA-256 of guest, sequence, length, content | … | mark 16 |     slot 0, to 4096
/// 4096 + 512 the same                                                                                                  slot 1
/// mark: UINT64 sequence, UINT64 its complement
/// </code>
/// A write goes to the slot that is older, all of it at once, its mark last. Cut off at any byte it leaves the record before it, or itself: a slot that
/// ends early has its former mark. A slot whose mark says that it was finished, and which is not whole, is damage; to go on with the older one would turn the boot
/// back, so that there is no record then.
/// </remarks>
public sealed class BootRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int Length = 2 * Page;

    /// <summary>The longest content.</summary>
    public const int Capacity = Page - SlotAt - Overhead;

    /// <summary>Bytes that say whose boot it is.</summary>
    public const int GuestSize = SHA256.HashSizeInBytes;

    private const int Page = 4096;
    private const int OriginAt = 8;
    private const int GuestAt = 12;
    private const int HeaderSize = GuestAt + GuestSize + SHA256.HashSizeInBytes;
    private const int SlotAt = 512;
    private const int SlotSize = Page - SlotAt;
    private const int ContentAt = sizeof(ulong) + sizeof(uint);
    private const int MarkSize = 16;
    private const int Overhead = ContentAt + SHA256.HashSizeInBytes + MarkSize;

    private readonly IBlockStore _store;

    // Whose boot it is, and a slot, as they are hashed.
    private readonly byte[] _buffer = new byte[GuestSize + SlotSize];
    private ulong _sequence;

    private BootRecord(IBlockStore store, ReadOnlySpan<byte> guest, BootOrigin origin)
    {
        _store = store;
        guest.CopyTo(_buffer);
        Origin = origin;
    }

    public BootOrigin Origin { get; private set; }

    /// <summary>What was last written whole; null when nothing was yet, and when it is lost.</summary>
    public byte[]? Content { get; private set; }

    private static ReadOnlySpan<byte> Magic => "vTPMrec2"u8;

    private ReadOnlySpan<byte> Guest => _buffer.AsSpan(0, GuestSize);

    private Span<byte> Slot => _buffer.AsSpan(GuestSize);

    private Span<byte> Mark => Slot[^MarkSize..];

    /// <summary>A new record, for a guest whose vTPM starts; what was there is gone.</summary>
    /// <param name="store">Its place, <see cref="Length"/> bytes.</param>
    /// <param name="guest">Whose boot it is, in <see cref="GuestSize"/> bytes.</param>
    /// <param name="origin">What it can tell.</param>
    public static BootRecord Create(IBlockStore store, ReadOnlySpan<byte> guest, BootOrigin origin)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentOutOfRangeException.ThrowIfNotEqual(guest.Length, GuestSize);
        var record = new BootRecord(store, guest, origin);
        store.Write(0, new byte[Length]);
        record.WriteHeader();
        return record;
    }

    /// <summary>The record that is there.</summary>
    /// <returns>Null when it does not even say whose it is.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static BootRecord? Open(IBlockStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (store.Length < Length) return null;
        byte[] header = new byte[HeaderSize];
        store.Read(0, header);
        ReadOnlySpan<byte> told = header.AsSpan(0, GuestAt + GuestSize);
        bool isWhole = told.StartsWith(Magic) && SHA256.HashData(told).AsSpan().SequenceEqual(header.AsSpan(told.Length));
        var origin = (BootOrigin)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(OriginAt));
        if (!isWhole || !Enum.IsDefined(origin)) return null;
        var record = new BootRecord(store, told[GuestAt..], origin);
        record.Load();
        return record;
    }

    /// <summary>Whether it is the boot of this guest.</summary>
    public bool IsOf(ReadOnlySpan<byte> guest) => guest.SequenceEqual(Guest);

    /// <summary>Takes the place of what was written before: whole, once this returns.</summary>
    /// <exception cref="IOException">It does not; what was there before counts, or this.</exception>
    public void Write(ReadOnlySpan<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(content.Length, Capacity);
        ulong sequence = _sequence + 1;
        BinaryPrimitives.WriteUInt64BigEndian(Slot, sequence);
        BinaryPrimitives.WriteUInt32BigEndian(Slot[sizeof(ulong)..], (uint)content.Length);
        content.CopyTo(Slot[ContentAt..]);
        Digest(content.Length, Slot[(ContentAt + content.Length)..]);
        BinaryPrimitives.WriteUInt64BigEndian(Mark, sequence);
        BinaryPrimitives.WriteUInt64BigEndian(Mark[sizeof(ulong)..], ~sequence);
        _store.Write(AddressOf(sequence), Slot);
        _sequence = sequence;
    }

    /// <summary>Says, for good, that this record cannot tell of the boot.</summary>
    public void Lose()
    {
        Origin = BootOrigin.Lost;
        Content = null;
        _sequence = 0;
        // In this order: blank slots below a header that says nothing of a loss would be a boot that begins.
        WriteHeader();
        _store.Write(SlotAt, new byte[Length - SlotAt]);
    }

    private static long AddressOf(ulong sequence) => SlotAt + ((long)(sequence % 2) * Page);

    private void Digest(int contentLength, Span<byte> digest) => SHA256.HashData(_buffer.AsSpan(0, GuestSize + ContentAt + contentLength), digest);

    private void WriteHeader()
    {
        Span<byte> header = stackalloc byte[HeaderSize];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32BigEndian(header[OriginAt..], (uint)Origin);
        Guest.CopyTo(header[GuestAt..]);
        SHA256.HashData(header[..(GuestAt + GuestSize)], header[(GuestAt + GuestSize)..]);
        _store.Write(0, header);
    }

    private void Load()
    {
        ulong newestMark = 0;
        bool isDamaged = false;
        for (ulong slot = 0; slot < 2; slot++)
        {
            _store.Read(AddressOf(slot), Slot);
            ulong mark = BinaryPrimitives.ReadUInt64BigEndian(Mark);
            bool isMarked = mark == ~BinaryPrimitives.ReadUInt64BigEndian(Mark[sizeof(ulong)..]) && mark % 2 == slot;
            // Never finished.
            bool isBlank = !Mark.ContainsAnyExcept((byte)0);
            if (isMarked) newestMark = Math.Max(newestMark, mark);
            if (TryRead(slot, out ulong sequence, out byte[] content))
            {
                if (sequence > _sequence) (_sequence, Content) = (sequence, content);
            }
            else if (!isMarked && !isBlank)
            {
                // The mark is written when the slot is whole, so that it was not a cut-off write that broke both.
                isDamaged = true;
            }
        }

        if (isDamaged || _sequence < newestMark) Lose();
    }

    private bool TryRead(ulong parity, out ulong sequence, out byte[] content)
    {
        content = [];
        sequence = BinaryPrimitives.ReadUInt64BigEndian(Slot);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(Slot[sizeof(ulong)..]);
        if (sequence == 0 || sequence % 2 != parity || length > Capacity) return false;
        ReadOnlySpan<byte> told = Slot.Slice(ContentAt, (int)length);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        Digest(told.Length, digest);
        if (!digest.SequenceEqual(Slot.Slice(ContentAt + told.Length, digest.Length))) return false;
        content = told.ToArray();
        return true;
    }
}
