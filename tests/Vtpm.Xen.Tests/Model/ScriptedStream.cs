namespace Vtpm.Xen.Tests;

/// <summary>A connection whose other end says what the test gives it, in pieces as small as a byte, and keeps what it is told.</summary>
internal sealed class ScriptedStream : Stream
{
    private readonly Queue<byte> _incoming = [];

    /// <summary>Each write as one piece.</summary>
    public List<byte[]> Written { get; } = [];

    /// <summary>Fails every write, when it is set.</summary>
    public IOException? Fault { get; set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What the other end says, as bytes of the protocol.</summary>
    public ScriptedStream Says(uint type, uint request, uint transaction, string payload)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(payload);
        foreach (uint number in (uint[])[type, request, transaction, (uint)text.Length]) Says(BitConverter.GetBytes(number));
        return Says(text);
    }

    public ScriptedStream Says(params byte[] bytes)
    {
        foreach (byte value in bytes) _incoming.Enqueue(value);
        return this;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        if (count == 0 || _incoming.Count == 0) return 0;
        buffer[offset] = _incoming.Dequeue();
        return 1;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        if (Fault is not null) throw Fault;
        Written.Add(buffer[offset..(offset + count)]);
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
