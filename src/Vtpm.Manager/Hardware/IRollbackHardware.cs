using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>
/// What the machine's TPM has that no copy of a disk brings back: a counter that only goes up, and a few bytes of its own that are replaced. Both
/// have authorization values of their own, which the image keeps in its sealed keys.
/// </summary>
/// <remarks>
/// That the TPM says no is an answer here, not an exception: what follows from it is the caller's to decide. What makes the link or the answer itself
/// unusable (Vtpm.Transports.TpmTransportException, or an answer whose authorization is wrong) passes as an exception, as everywhere.
/// </remarks>
internal interface IRollbackHardware
{
    /// <summary>A counter that was made under this label, whoever made it; Absent when there is none.</summary>
    RollbackAnswer<uint> FindCounter(uint label);

    /// <summary>Makes a counter, with the owner's authorization. It begins above every value that any counter of this TPM has had.</summary>
    /// <param name="label">Tells the counters of one image from another's.</param>
    /// <param name="auth">Whoever knows it may increment.</param>
    RollbackAnswer<HardwareCounter> CreateCounter(uint label, in TpmAuthData auth);

    RollbackAnswer<uint> ReadCounter(uint index, in TpmAuthData auth);

    /// <summary>
    /// Counts up by one. The answer, unlike that of <see cref="ReadCounter"/> on TPMs that let anybody read, is proven to be the TPM's.
    /// </summary>
    /// <param name="index">The counter.</param>
    /// <param name="auth">Its authorization value.</param>
    /// <param name="patience">How long to wait while the TPM is busy or throttles. Afterwards the answer is Busy.</param>
    /// <returns>The new value. Absent is a counter that is not there; Refused one that does not count (any more, or before the next boot).</returns>
    RollbackAnswer<uint> IncrementCounter(uint index, in TpmAuthData auth, TimeSpan patience);

    /// <summary>The index of the n-th place that an area may have; n below 4096. Which indexes those are is the TPM's version's affair.</summary>
    uint AreaIndex(int number);

    /// <summary>
    /// Defines an area, with the owner's authorization, to be read and written by whoever knows <paramref name="auth"/>. What it holds before the
    /// first write reads as bytes of 0xFF.
    /// </summary>
    /// <returns>Refused when the index is taken: an area is never put in the place of another one.</returns>
    RollbackAnswer<uint> DefineArea(uint index, in TpmAuthData auth, int size);

    /// <returns>The whole content, which the caller zeroes. Refused when <paramref name="auth"/> is not the area's.</returns>
    RollbackAnswer<byte[]> ReadArea(uint index, in TpmAuthData auth, int size);

    /// <summary>Writes part of an area; durable when it is Done. A loss of power meanwhile may leave any part of what was to be written.</summary>
    RollbackAnswer<uint> WriteArea(uint index, in TpmAuthData auth, int offset, ReadOnlySpan<byte> data);
}

/// <summary>How a request to <see cref="IRollbackHardware"/> ended.</summary>
internal enum RollbackStatus
{
    Done,

    /// <summary>There is no such counter or area.</summary>
    Absent,

    /// <summary>The TPM does not do it, and will not a moment later: a wrong authorization, or a rule of the TPM's.</summary>
    Refused,

    /// <summary>Not now: the TPM is busy, or throttles.</summary>
    Busy,

    /// <summary>The TPM has no place for one more.</summary>
    NoRoom,
}

/// <summary>The answer; the value counts when it is Done, the reason (for people) when it is not.</summary>
internal readonly record struct RollbackAnswer<T>(RollbackStatus Status, T? Value, string Reason)
{
    public bool IsDone => Status == RollbackStatus.Done;

    public static RollbackAnswer<T> Done(T value) => new(RollbackStatus.Done, value, "");

    public static RollbackAnswer<T> No(RollbackStatus status, string reason) => new(status, default, reason);
}

/// <summary>A counter that was made.</summary>
/// <param name="Index">Names it from now on; never 0.</param>
/// <param name="Value">What it stands at.</param>
internal readonly record struct HardwareCounter(uint Index, uint Value);
