using System.Buffers.Binary;

namespace Vtpm.Wire;

/// <summary>Where a reader gets the arrays of variable length fields from: an arena that zeroes them is given for structures with secrets.</summary>
public interface IByteAllocator
{
    byte[] Allocate(int length);
}

/// <summary>Fills structures from bytes. Never throws, never reads past the end, never allocates more than the input is long.</summary>
public ref struct WireReader(ReadOnlySpan<byte> bytes, IByteAllocator? allocator = null) : IWireCodec
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>TPM_SUCCESS, or the first fault: TPM_BAD_PARAM_SIZE for bytes that are missing.</summary>
    public TpmResult Result { readonly get; private set; }

    public readonly bool IsReading => true;

    public readonly int Remaining => _rest.Length;

    public void UInt8(ref byte value) => value = Take(1, out var bytes) ? bytes[0] : (byte)0;

    public void UInt16(ref ushort value) => value = Take(2, out var bytes) ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;

    public void UInt32(ref uint value) => value = Take(4, out var bytes) ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    public void UInt64(ref ulong value) => value = Take(8, out var bytes) ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;

    public void Fixed(scoped Span<byte> value)
    {
        if (Take(value.Length, out var bytes)) bytes.CopyTo(value);
        else value.Clear();
    }

    public void Run(ref ReadOnlyMemory<byte> value, int length)
    {
        if (!Take(length, out var bytes) || length == 0)
        {
            value = default;
            return;
        }

        byte[] copy = allocator?.Allocate(length) ?? new byte[length];
        bytes.CopyTo(copy);
        value = copy;
    }

    public void Rest(ref ReadOnlyMemory<byte> value) => Run(ref value, _rest.Length);

    public void Fault(TpmResult result)
    {
        if (Result == TpmResult.Success) Result = result;
        _rest = default;
    }

    /// <summary>The result of the whole pass: bytes left over are TPM_BAD_PARAM_SIZE.</summary>
    public TpmResult Finish()
    {
        if (Result == TpmResult.Success && _rest.Length > 0) Fault(TpmResult.BadParamSize);
        return Result;
    }

    private bool Take(int length, out ReadOnlySpan<byte> bytes)
    {
        if (length > _rest.Length)
        {
            Fault(TpmResult.BadParamSize);
            bytes = default;
            return false;
        }

        bytes = _rest[..length];
        _rest = _rest[length..];
        return Result == TpmResult.Success;
    }
}
