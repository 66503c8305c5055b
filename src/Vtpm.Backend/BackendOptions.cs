using Vtpm.Transports;

namespace Vtpm.Backend;

/// <summary>How the service of a backend domain does its work.</summary>
public sealed record BackendOptions
{
    public const string DefaultImages = "/var/lib/vtpm";

    /// <summary>In memory: what is there must not outlive the machine.</summary>
    public const string DefaultRunFolder = "/run/vtpm";

    /// <summary>The folder of the vTPMs' images.</summary>
    public string Images { get; init; } = DefaultImages;

    /// <summary>The folder of the records of guests' boots.</summary>
    public string RunFolder { get; init; } = DefaultRunFolder;

    /// <summary>The manager's socket for this domain.</summary>
    public required TpmAddress Manager { get; init; }

    /// <summary>A guest whose measurements nobody has left does not get its vTPM, and so does not start.</summary>
    public bool RequireMeasurement { get; init; }

    public TimeProvider Time { get; init; } = CoarseTime.Shared;

    /// <summary>
    /// How long requests wait for a vTPM whose process is started again; then they are TPM_RETRY. Linux's driver waits three seconds for the quickest
    /// commands, by what the vTPM tells it of its durations.
    /// </summary>
    public TimeSpan RequestPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The same for the first request of a connection, with which a driver's start waits for a TPM that starts: Linux's is patient for two minutes, since
    /// it does not know the durations yet.
    /// </summary>
    public TimeSpan FirstRequestPatience { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// How long the toolstack, which gives a new guest up after ten seconds, is kept waiting for whether the vTPM starts. One that starts still is
    /// announced then.
    /// </summary>
    public TimeSpan AnnouncePatience { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>For a process to start its TPM: with the manager, which may be waiting for the hardware, and with a key to be made.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For a process to answer a request: longer than the longest duration that a vTPM claims. One that does not is killed.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromMinutes(11);

    /// <summary>For a process to end that was told to, with the request that it is in.</summary>
    public TimeSpan EndPatience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Takes what happens.</summary>
    public required Action<string> Log { get; init; }

    /// <summary>Takes what a vTPM's process says, a line at a time: cleaned and bounded, and its own word.</summary>
    public required Action<Guid, string> ProcessLog { get; init; }

    /// <summary>A process that says more than a few hundred lines at once is heard so often.</summary>
    public TimeSpan ProcessLogInterval { get; init; } = TimeSpan.FromSeconds(5);
}
