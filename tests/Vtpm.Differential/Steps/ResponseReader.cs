using System.Buffers.Binary;
using Vtpm.Differential.Sides;

namespace Vtpm.Differential.Steps;

/// <summary>Reads the parameters of a response, and sorts them into what both sides must have in common and what each has its own of.</summary>
public sealed class ResponseReader(byte[] bytes, SideMemory memory)
{
    private readonly List<Field> _fields = [];
    private int _position;

    public SideMemory Memory => memory;

    public IReadOnlyList<Field> Fields => _fields;

    /// <summary>Where it reads, for <see cref="Since"/>.</summary>
    public int Position => _position;

    public int Left => bytes.Length - _position;

    public byte UInt8(string name) => Exact(name, 1) is [var value] ? value : (byte)0;

    public int UInt16(string name) => Exact(name, 2) is { Length: 2 } value ? BinaryPrimitives.ReadUInt16BigEndian(value) : 0;

    public uint UInt32(string name) => Exact(name, 4) is { Length: 4 } value ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;

    /// <summary>The same on both sides.</summary>
    public byte[] Exact(string name, int length)
    {
        byte[] value = Take(name, length);
        Add(name, Convert.ToHexStringLower(value));
        return value;
    }

    /// <summary>Each side has its own; of the same length.</summary>
    public byte[] Own(string name, int length)
    {
        byte[] value = Take(name, length);
        Add(name, $"{value.Length} bytes");
        return value;
    }

    public uint OwnHandle(string name) => Own(name, 4) is { Length: 4 } value ? BinaryPrimitives.ReadUInt32BigEndian(value) : 0;

    /// <summary>Each side has its own, which comes again when, and only when, it does on the other side.</summary>
    public void Recurring(string name, int length)
    {
        string value = Convert.ToHexStringLower(Take(name, length));
        if (!memory.Seen.TryGetValue(value, out int number)) memory.Seen[value] = number = memory.Seen.Count;
        Add(name, $"random value {number}");
    }

    /// <summary>What the specification leaves to the maker of a TPM.</summary>
    public byte[] Vendor(string name, int length) => Take(name, length);

    public byte[] Sized32(string name) => Exact(name, (int)Math.Min(UInt32($"{name} size"), int.MaxValue));

    public byte[] OwnSized32(string name) => Own(name, (int)Math.Min(UInt32($"{name} size"), int.MaxValue));

    public byte[] VendorSized32(string name) =>
        Vendor(name, (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian([.. Take(name, 4), 0, 0, 0, 0]), int.MaxValue));

    /// <summary>A value computed from an answer, instead of its bytes.</summary>
    public void Add(string name, string value) => _fields.Add(new Field(name, value));

    /// <summary>All that was read from a position on.</summary>
    public byte[] Since(int position) => bytes[position.._position];

    /// <summary>Nothing may be left over.</summary>
    public void Finish()
    {
        if (Left > 0) Exact("more", Left);
    }

    private byte[] Take(string name, int length)
    {
        if (length > Left) Add(name, $"only {Left} of {length} bytes");
        length = Math.Min(length, Left);
        _position += length;
        return bytes.AsSpan(_position - length, length).ToArray();
    }
}
