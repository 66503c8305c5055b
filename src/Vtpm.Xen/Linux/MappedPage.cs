namespace Vtpm.Xen;

/// <summary>A mapped page that another domain can write to at any time.</summary>
internal sealed unsafe class MappedPage(nint address, uint reference, Action release) : IGrantedPage
{
    private byte* _page = (byte*)address;

    public uint Reference { get; } = reference;

    public byte ReadByte(int offset) => Volatile.Read(ref *At(offset, sizeof(byte)));

    public uint ReadUInt32(int offset) => Volatile.Read(ref *(uint*)At(offset, sizeof(uint)));

    public void WriteByte(int offset, byte value) => Volatile.Write(ref *At(offset, sizeof(byte)), value);

    public void WriteUInt32(int offset, uint value) => Volatile.Write(ref *(uint*)At(offset, sizeof(uint)), value);

    public void CopyTo(int offset, Span<byte> destination) =>
        new ReadOnlySpan<byte>(At(offset, destination.Length), destination.Length).CopyTo(destination);

    public void CopyFrom(int offset, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>(At(offset, source.Length), source.Length));

    public void Dispose()
    {
        if (_page is null) return;
        nint mapped = (nint)_page;
        _page = null;
        _ = LibC.Unmap(mapped, ISharedPage.Size);
        release();
    }

    private byte* At(int offset, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ISharedPage.Size - width);
        ObjectDisposedException.ThrowIf(_page is null, this);
        return _page + offset;
    }
}
