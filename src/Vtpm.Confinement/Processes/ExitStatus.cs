namespace Vtpm.Confinement;

/// <summary>How a process ended: with a code of its own, or by a signal.</summary>
public readonly record struct ExitStatus
{
    /// <summary>SIGSYS, by which a process ends that has tried a system call outside its allow-list.</summary>
    private const int BadSystemCall = 31;

    private readonly int _status;

    private ExitStatus(int status) => _status = status;

    /// <summary>Another part of this program, or the kernel (SIGCHLD ignored), has taken the status: nothing is known but that it has ended.</summary>
    public static ExitStatus Unknown { get; } = new(-1);

    /// <summary>The code it ended with; null when a signal ended it.</summary>
    public int? Code => _status >= 0 && (_status & 0x7F) == 0 ? (_status >> 8) & 0xFF : null;

    /// <summary>The signal that ended it; null when it ended by itself.</summary>
    public int? Signal => _status >= 0 && (_status & 0x7F) != 0 ? _status & 0x7F : null;

    /// <summary>For the log: "exit code 3", "signal 9".</summary>
    public override string ToString() => (Code, Signal) switch
    {
        ({ } code, _) => $"exit code {code}",
        (_, BadSystemCall) => $"signal {BadSystemCall}, for a system call that it may not make",
        (_, { } signal) => $"signal {signal}",
        _ => "an unknown status",
    };

    internal static ExitStatus FromWait(int status) => new(status);
}
