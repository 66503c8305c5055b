namespace Vtpm.Boot;

/// <summary>A file of a guest's file system, from its beginning to its end.</summary>
internal sealed class ExtFileStream : Stream
{
    private readonly ExtFileSystem _fileSystem;
    private readonly ExtBlockMap _map;
    private long _position;

    public ExtFileStream(ExtFileSystem fileSystem, ExtInode inode)
    {
        if (!inode.IsReadable) throw new BootException("a file of the guest's is encrypted, or kept in a way that is not read here");
        if (inode.Size < 0) throw new BootException("a file of the guest's file system is damaged");
        _fileSystem = fileSystem;
        _map = new ExtBlockMap(fileSystem, inode);
        Length = inode.Size;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int done = 0;
        while (!buffer.IsEmpty && _position < Length)
        {
            (long block, int within) = (_position / _fileSystem.BlockSize, (int)(_position % _fileSystem.BlockSize));
            int size = (int)Math.Min(Math.Min(buffer.Length, _fileSystem.BlockSize - within), Length - _position);
            if (_map.Find(block) is var place and not 0) _fileSystem.ReadBlock(place, buffer[..size], within);
            else _fileSystem.ReadHole(buffer[..size]);
            buffer = buffer[size..];
            done += size;
            _position += size;
        }

        return done;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
