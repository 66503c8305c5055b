namespace Vtpm.Cli;

/// <summary>What the process exits with; documented in the help and the README.</summary>
internal enum ExitCode
{
    Ok = 0,

    /// <summary>It ran and failed; the message says at what.</summary>
    Failed = 1,

    /// <summary>The command line is not understood.</summary>
    Usage = 2,

    /// <summary>It refused to start so that no state is lost: an image, a key or a state file does not fit.</summary>
    Refused = 3,

    /// <summary>Something it needs is not to be reached, or an address is taken.</summary>
    Unavailable = 4,
}
