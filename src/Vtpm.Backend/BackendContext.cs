using Vtpm.Xen;

namespace Vtpm.Backend;

/// <summary>What the guests' vTPMs share.</summary>
internal sealed class BackendContext
{
    public required BackendOptions Options { get; init; }

    public required Tpmback Loop { get; init; }

    public required IXenStore Store { get; init; }

    public required IVtpmLauncher Launcher { get; init; }

    public required ImageFolder Images { get; init; }

    public required RecordFolder Records { get; init; }

    public required ManagerIntroducer Introducer { get; init; }

    public required BlockingWork Blocking { get; init; }

    public required Alarms Alarms { get; init; }

    public Measurements Measurements { get; } = new();

    /// <summary>The service ends: nothing is started any more.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Something has changed, and what is due is to be looked at.</summary>
    public bool IsAwake { get; set; } = true;

    /// <summary>The time that has passed since a fixed moment.</summary>
    public TimeSpan Elapsed() => Options.Time.GetElapsedTime(0);

    public long Now => Options.Time.GetTimestamp();

    public long After(long start, TimeSpan time) => start + (long)(time.TotalSeconds * Options.Time.TimestampFrequency);

    public void Wake() => IsAwake = true;
}
