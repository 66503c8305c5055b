namespace Vtpm.Engine;

/// <summary>The locks of NV areas that last until TPM_Startup(ST_CLEAR): bReadSTClear and bWriteSTClear of Part 2 §19.3.</summary>
public static class StClearNvLocks
{
    /// <summary>bWriteSTClear becomes TRUE.</summary>
    public static StClearData LockWrites(this StClearData data, uint index) =>
        data.NvWriteLocks.Contains(index) ? data : data with { NvWriteLocks = new HashSet<uint>(data.NvWriteLocks) { index } };

    /// <summary>bReadSTClear becomes TRUE.</summary>
    public static StClearData LockReads(this StClearData data, uint index) =>
        data.NvReadLocks.Contains(index) ? data : data with { NvReadLocks = new HashSet<uint>(data.NvReadLocks) { index } };

    /// <summary>bReadSTClear becomes FALSE, as every successful write makes it.</summary>
    public static StClearData UnlockReads(this StClearData data, uint index) =>
        data.NvReadLocks.Contains(index) ? data with { NvReadLocks = Without(data.NvReadLocks, index) } : data;

    /// <summary>Both locks are gone: the area is another one, or none.</summary>
    public static StClearData ForgetArea(this StClearData data, uint index)
    {
        data = data.UnlockReads(index);
        return data.NvWriteLocks.Contains(index) ? data with { NvWriteLocks = Without(data.NvWriteLocks, index) } : data;
    }

    /// <summary>Only the locks of areas that there are: one that is defined again begins without any.</summary>
    public static StClearData OnlyLocksOf(this StClearData data, NvStorage nv)
    {
        return (data.NvWriteLocks.Count == 0 && data.NvReadLocks.Count == 0) || (data.NvWriteLocks.All(IsThere) && data.NvReadLocks.All(IsThere))
            ? data
            : data with { NvWriteLocks = data.NvWriteLocks.Where(IsThere).ToHashSet(), NvReadLocks = data.NvReadLocks.Where(IsThere).ToHashSet() };

        bool IsThere(uint index) => nv.Find(index) is not null;
    }

    private static HashSet<uint> Without(IReadOnlySet<uint> set, uint index)
    {
        HashSet<uint> rest = [.. set];
        rest.Remove(index);
        return rest;
    }
}
