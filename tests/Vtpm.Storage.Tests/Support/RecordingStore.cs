namespace Vtpm.Storage.Tests;

/// <summary>One thing done to a store: a write, or (with no bytes) a flush.</summary>
internal readonly record struct StoreOperation(long Offset, byte[]? Bytes)
{
    public bool IsFlush => Bytes is null;
}

/// <summary>Where in an operation the medium fails.</summary>
public enum FaultMoment
{
    Before,
    Torn,
    After,
}

/// <summary>A medium in memory that remembers what was done to it, and fails where it is told to.</summary>
internal sealed class RecordingStore(byte[] bytes) : IBlockStore
{
    public const int Sector = 512;

    private int _operation;

    public List<StoreOperation> Operations { get; } = [];

    public byte[] Bytes => bytes;

    public long Length => bytes.Length;

    /// <summary>The number of the write or flush that fails; negative for none.</summary>
    public int FailAt { get; set; } = -1;

    public FaultMoment Moment { get; set; }

    /// <summary>After the fault nothing works any more.</summary>
    public bool DiesThen { get; set; }

    public bool FailsReads { get; set; }

    /// <summary>Is told of every operation, where those of several stores have one order.</summary>
    public Action<StoreOperation>? Observe { get; set; }

    public void Read(long offset, Span<byte> destination)
    {
        if (FailsReads) throw new IOException("the medium does not read");
        bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        FaultMoment? fault = Count();
        if (fault == FaultMoment.Before) throw new IOException("the medium failed before the write");
        ReadOnlySpan<byte> part = fault == FaultMoment.Torn ? source[..Math.Min(source.Length, source.Length / 2 / Sector * Sector)] : source;
        part.CopyTo(bytes.AsSpan((int)offset));
        Add(new(offset, part.ToArray()));
        if (fault is not null) throw new IOException("the medium failed in or after the write");
    }

    public void Flush()
    {
        if (Count() is not null) throw new IOException("the medium failed to flush");
        Add(new(0, null));
    }

    public void Restart()
    {
        (_operation, FailAt, DiesThen) = (0, -1, false);
        Operations.Clear();
    }

    public void Dispose()
    {
        // Tests look at the bytes afterwards.
    }

    private void Add(StoreOperation operation)
    {
        Operations.Add(operation);
        Observe?.Invoke(operation);
    }

    private FaultMoment? Count()
    {
        int number = _operation++;
        if (number == FailAt) return Moment;
        return DiesThen && FailAt >= 0 && number > FailAt ? FaultMoment.Before : null;
    }
}
