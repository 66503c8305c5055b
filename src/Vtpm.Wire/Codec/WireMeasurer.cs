namespace Vtpm.Wire;

/// <summary>Counts the bytes a structure takes on the wire.</summary>
public struct WireMeasurer : IWireCodec
{
    public int Length { get; private set; }

    public readonly bool IsReading => false;

    public void UInt8(ref byte value) => Length += 1;

    public void UInt16(ref ushort value) => Length += 2;

    public void UInt32(ref uint value) => Length += 4;

    public void UInt64(ref ulong value) => Length += 8;

    public void Fixed(scoped Span<byte> value) => Length += value.Length;

    public void Run(ref ReadOnlyMemory<byte> value, int length) => Length += value.Length;

    public void Rest(ref ReadOnlyMemory<byte> value) => Length += value.Length;

    public readonly void Fault(TpmResult result)
    {
        // A structure that cannot be stored is reported by the writer, which follows.
    }
}
