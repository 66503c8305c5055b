namespace Vtpm.Wire;

/// <summary>
/// One pass over a structure in the byte order of the wire (big-endian, packed; Part 2 §2.1). A structure describes itself once, by reference:
/// the reader fills the fields, the writer stores them, the measurer counts them.
/// </summary>
/// <remarks>
/// No member throws on malformed input. The first fault is kept and every later field reads as zero, so a description needs no checks of its
/// own; whoever started the pass asks for the fault at the end.
/// </remarks>
public interface IWireCodec
{
    /// <summary>True when fields are being filled from bytes; descriptions whose layout depends on a tag may ask.</summary>
    bool IsReading { get; }

    void UInt8(ref byte value);

    void UInt16(ref ushort value);

    void UInt32(ref uint value);

    void UInt64(ref ulong value);

    /// <summary>A run of bytes of fixed length.</summary>
    void Fixed(scoped Span<byte> value);

    /// <summary>A run of <paramref name="length"/> bytes, its length known from a field described before it.</summary>
    void Run(ref ReadOnlyMemory<byte> value, int length);

    /// <summary>All bytes that are left. Only the last field of a structure can be described so.</summary>
    void Rest(ref ReadOnlyMemory<byte> value);

    /// <summary>Records a fault found by a description, for example a tag that has no layout.</summary>
    void Fault(TpmResult result);
}

/// <summary>A structure of the wire, described once for reading, writing and measuring.</summary>
public interface IWireStructure<TSelf>
    where TSelf : struct, IWireStructure<TSelf>
{
    static abstract void Describe<TCodec>(ref TCodec wire, ref TSelf value)
        where TCodec : struct, IWireCodec, allows ref struct;
}
