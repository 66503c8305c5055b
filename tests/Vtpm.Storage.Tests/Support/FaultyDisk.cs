namespace Vtpm.Storage.Tests;

/// <summary>What goes wrong, at one operation.</summary>
public enum DiskFault
{
    /// <summary>The write reports that there is no space, and nothing was written.</summary>
    NoSpace,

    /// <summary>The write reports an error, and some blocks were written.</summary>
    Torn,

    /// <summary>The write reports an error, and all was written.</summary>
    DoneAllTheSame,

    /// <summary>
    /// The barrier reports an error; what it was for never reaches the disk, though it is read as if it had: a kernel that forgets dirty pages.
    /// </summary>
    BarrierForgets,

    /// <summary>The barrier reports an error, and all is on the disk.</summary>
    BarrierDone,
}

/// <summary>A disk behind a cache. What is read is what was written last; what a power cut leaves is what a barrier came after.</summary>
internal sealed class FaultyDisk(byte[] durable) : IBlockStore
{
    private readonly byte[] _visible = (byte[])durable.Clone();
    private readonly List<StoreOperation> _pending = [];

    /// <summary>What a power cut leaves when nothing that awaits a barrier was written.</summary>
    public byte[] Durable => durable;

    /// <summary>What a process reads that comes after this one.</summary>
    public byte[] Visible => _visible;

    public long Length => durable.Length;

    public int Operations { get; private set; }

    public int Reads { get; private set; }

    /// <summary>The operation (write or barrier) that fails; negative for none.</summary>
    public int FailAt { get; set; } = -1;

    public DiskFault Fault { get; set; }

    /// <summary>The sectors that cannot be read.</summary>
    public HashSet<long> Unreadable { get; } = [];

    /// <summary>The number of the read that fails; negative for none.</summary>
    public int FailAtRead { get; set; } = -1;

    /// <summary>Whether the operation that failed was a write.</summary>
    public bool FailedInWrite { get; private set; }

    public void Read(long offset, Span<byte> destination)
    {
        if (Reads++ == FailAtRead || Unreadable.Contains(offset / 4096)) throw new IOException($"input/output error at {offset}");
        _visible.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        bool fails = Operations++ == FailAt;
        if (!fails || Fault is DiskFault.DoneAllTheSame or DiskFault.BarrierDone or DiskFault.BarrierForgets)
        {
            Put(offset, source);
        }
        else if (Fault == DiskFault.Torn)
        {
            for (int at = 0; at < source.Length; at += 2 * RecordingStore.Sector)
                Put(offset + at, source.Slice(at, Math.Min(RecordingStore.Sector, source.Length - at)));
        }

        if (!fails) return;
        FailedInWrite = true;
        throw new IOException(Fault == DiskFault.NoSpace ? "no space left on device" : "input/output error");
    }

    public void Flush()
    {
        bool fails = Operations++ == FailAt;
        if (!fails || Fault != DiskFault.BarrierForgets) _pending.ForEach(write => write.Bytes!.CopyTo(durable.AsSpan((int)write.Offset)));
        _pending.Clear();
        if (fails) throw new IOException("input/output error in the barrier");
    }

    public void Repair() => (FailAt, FailAtRead, Operations, Reads, FailedInWrite) = (-1, -1, 0, 0, false);

    public void Dispose()
    {
        // Tests look at the bytes afterwards.
    }

    private void Put(long offset, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_visible.AsSpan((int)offset));
        _pending.Add(new(offset, bytes.ToArray()));
    }
}
