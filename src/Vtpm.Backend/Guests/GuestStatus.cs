using Vtpm.Storage;

namespace Vtpm.Backend;

/// <summary>What a guest's vTPM is doing.</summary>
public enum GuestState
{
    /// <summary>It waits for somebody to leave the measurements of its boot.</summary>
    Unmeasured,

    /// <summary>Its process starts.</summary>
    Starting,

    /// <summary>Its process extends what was measured of the guest's boot.</summary>
    Measuring,

    /// <summary>It serves its guest.</summary>
    Serving,

    /// <summary>Its process has ended, and is started again soon.</summary>
    Waiting,

    /// <summary>Its guest has gone, and its process was told to end.</summary>
    Ending,
}

/// <summary>A guest's vTPM, for people.</summary>
public sealed record GuestStatus
{
    public required Guid Uuid { get; init; }

    /// <summary>The guest's domain.</summary>
    public required uint Domain { get; init; }

    public required GuestState State { get; init; }

    /// <summary>Since when it is in this state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>The process; 0 while there is none.</summary>
    public required int Process { get; init; }

    /// <summary>How often the process was started again under this guest.</summary>
    public required int Restarts { get; init; }

    /// <summary>What it can tell of the guest's boot; null before it has started.</summary>
    public required BootOrigin? Boot { get; init; }

    /// <summary>What has gone wrong last; empty when nothing has.</summary>
    public required string Fault { get; init; }
}
