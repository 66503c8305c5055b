using System.Buffers.Binary;

namespace Vtpm.Wire;

/// <summary>Stores structures into a caller's buffer. A buffer that is too small is a fault (TPM_SIZE), never a throw.</summary>
public ref struct WireWriter(Span<byte> buffer) : IWireCodec
{
    private readonly Span<byte> _buffer = buffer;
    private int _length;

    public TpmResult Result { readonly get; private set; }

    public readonly bool IsReading => false;

    /// <summary>Bytes stored so far.</summary>
    public readonly int Length => _length;

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void UInt8(ref byte value)
    {
        if (Take(1, out var bytes)) bytes[0] = value;
    }

    public void UInt16(ref ushort value)
    {
        if (Take(2, out var bytes)) BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
    }

    public void UInt32(ref uint value)
    {
        if (Take(4, out var bytes)) BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
    }

    public void UInt64(ref ulong value)
    {
        if (Take(8, out var bytes)) BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
    }

    public void Fixed(scoped Span<byte> value)
    {
        if (Take(value.Length, out var bytes)) value.CopyTo(bytes);
    }

    public void Run(ref ReadOnlyMemory<byte> value, int length)
    {
        if (length != value.Length) Fault(TpmResult.BadParamSize);
        else if (Take(length, out var bytes)) value.Span.CopyTo(bytes);
    }

    public void Rest(ref ReadOnlyMemory<byte> value) => Run(ref value, value.Length);

    public void Fault(TpmResult result)
    {
        if (Result == TpmResult.Success) Result = result;
    }

    private bool Take(int length, out Span<byte> bytes)
    {
        if (length > _buffer.Length - _length)
        {
            Fault(TpmResult.Size);
            bytes = default;
            return false;
        }

        bytes = _buffer.Slice(_length, length);
        _length += length;
        return Result == TpmResult.Success;
    }
}
