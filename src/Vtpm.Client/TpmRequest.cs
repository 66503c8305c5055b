using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>A command under construction. Handles come first and are not part of the digest that is authorized (Part 1 §18.2).</summary>
internal ref struct TpmRequest
{
    private WireWriter _writer;

    public TpmRequest(Span<byte> buffer, TpmOrdinal ordinal)
    {
        Buffer = buffer;
        Ordinal = ordinal;
        _writer = new WireWriter(buffer[TpmHeader.Size..]);
    }

    public Span<byte> Buffer { get; }

    public TpmOrdinal Ordinal { get; }

    public int Handles { get; private set; }

    /// <summary>Header and parameters.</summary>
    public readonly int Length => TpmHeader.Size + _writer.Length;

    public readonly bool IsTooLong => _writer.Result != TpmResult.Success;

    /// <summary>What the authorization covers, without the ordinal.</summary>
    public readonly ReadOnlySpan<byte> Authorized => _writer.Written[(Handles * sizeof(uint))..];

    public void Handle(uint handle)
    {
        UInt32(handle);
        Handles++;
    }

    public void UInt16(ushort value) => _writer.UInt16(ref value);

    public void UInt32(uint value) => _writer.UInt32(ref value);

    public void Bool(bool value) => _writer.Bool(ref value);

    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            byte value = b;
            _writer.UInt8(ref value);
        }
    }

    public void Sized32(scoped ReadOnlySpan<byte> bytes)
    {
        UInt32((uint)bytes.Length);
        Bytes(bytes);
    }

    public void Structure<T>(T value)
        where T : struct, IWireStructure<T> => _writer.Structure(ref value);
}
