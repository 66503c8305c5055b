namespace Vtpm.Transports;

/// <summary>
/// The system's time in its own steps of some milliseconds: enough for patience, and had without a system call where the finer one is none (a Xen domain
/// whose clock is Xen's).
/// </summary>
public sealed class CoarseTime : TimeProvider
{
    private CoarseTime()
    {
    }

    public static CoarseTime Shared { get; } = new();

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Environment.TickCount64;
}
