namespace Vtpm.Tis;

/// <summary>How long a TPM may take: for the steps of its interface (time-outs A to D), and for commands by their class.</summary>
internal sealed record TisTimings
{
    /// <summary>No TPM is believed that asks for more: every wait ends.</summary>
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestDuration = TimeSpan.FromHours(1);

    private static readonly TimeSpan LeastForUnknown = TimeSpan.FromMinutes(2);

    /// <summary>Before the TPM has been asked: time-outs of the interface's specification, durations that no TPM exceeds.</summary>
    public static TisTimings Tpm12 { get; } = new();

    /// <summary>A TPM 2.0 tells none. Ready can take one longer, and a command may make an RSA key.</summary>
    public static TisTimings Tpm2 { get; } = new()
    {
        B = TimeSpan.FromSeconds(4),
        Short = TimeSpan.FromMinutes(5),
        Medium = TimeSpan.FromMinutes(5),
        Long = TimeSpan.FromMinutes(5),
    };

    /// <summary>Until a locality is granted, and until TPM_ACCESS is valid.</summary>
    public TimeSpan A { get; private init; } = TimeSpan.FromMilliseconds(750);

    /// <summary>Until the TPM is ready for a command, and until one is cancelled.</summary>
    public TimeSpan B { get; private init; } = TimeSpan.FromSeconds(2);

    /// <summary>Until TPM_STS is valid.</summary>
    public TimeSpan C { get; private init; } = TimeSpan.FromMilliseconds(750);

    /// <summary>Until the burst count is not zero.</summary>
    public TimeSpan D { get; private init; } = TimeSpan.FromMilliseconds(750);

    public TimeSpan Short { get; private init; } = TimeSpan.FromMinutes(2);

    public TimeSpan Medium { get; private init; } = TimeSpan.FromMinutes(2);

    public TimeSpan Long { get; private init; } = TimeSpan.FromMinutes(10);

    /// <summary>For what is not in the table: as long as anything may take.</summary>
    public TimeSpan Unknown => new(Math.Max(Math.Max(Short.Ticks, Medium.Ticks), Math.Max(Long.Ticks, LeastForUnknown.Ticks)));

    public TimeSpan DurationOf(uint ordinal) => OrdinalDurations.Of(ordinal) switch
    {
        OrdinalDuration.Short => Short,
        OrdinalDuration.Medium => Medium,
        OrdinalDuration.Long => Long,
        _ => Unknown,
    };

    /// <summary>With what TPM_CAP_PROP_TIS_TIMEOUT has said: four numbers of microseconds, or of milliseconds from some TPMs.</summary>
    public TisTimings WithTimeouts(ReadOnlySpan<uint> reported)
    {
        // No interface is so fast that a thousand microseconds would do: such a TPM means milliseconds.
        uint scale = reported[0] < 1000 ? 1000u : 1u;
        return this with
        {
            A = Sane(reported[0], scale, A, LongestTimeout),
            B = Sane(reported[1], scale, B, LongestTimeout),
            C = Sane(reported[2], scale, C, LongestTimeout),
            D = Sane(reported[3], scale, D, LongestTimeout),
        };
    }

    /// <summary>With what TPM_CAP_PROP_DURATION has said: three numbers of microseconds, or of something else from some TPMs (Broadcom's).</summary>
    public TisTimings WithDurations(ReadOnlySpan<uint> reported)
    {
        const uint leastShort = 10_000;
        bool milliseconds = reported[0] is > 0 and < leastShort;
        uint scale = milliseconds ? 1000u : 1u;
        return this with
        {
            Short = milliseconds ? TimeSpan.FromSeconds(1) : Sane(reported[0], 1, Short, LongestDuration),
            Medium = Sane(reported[1], scale, Medium, LongestDuration),
            Long = Sane(reported[2], scale, Long, LongestDuration),
        };
    }

    /// <summary>A TPM that says zero says nothing.</summary>
    private static TimeSpan Sane(uint microseconds, uint scale, TimeSpan otherwise, TimeSpan longest)
    {
        if (microseconds == 0) return otherwise;
        var time = TimeSpan.FromMicroseconds((long)microseconds * scale);
        return time < longest ? time : longest;
    }
}
