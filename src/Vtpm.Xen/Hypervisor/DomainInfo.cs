namespace Vtpm.Xen;

/// <summary>What the hypervisor says of a domain, which the domain cannot change.</summary>
/// <param name="Uuid">The toolstack's name for it (<c>uuid=</c> of its configuration), which outlives its reboots.</param>
/// <param name="HasRun">Any of its processors has run, or may run now.</param>
/// <param name="Label">Its XSM label; null where XSM is off.</param>
public sealed record DomainInfo(Guid Uuid, bool HasRun, string? Label)
{
    /// <summary>Its memory and processors are those of a domain that ran elsewhere or before: it was restored from a file, or migrated here.</summary>
    public bool IsRestored { get; init; }

    /// <summary>What its processors have had of the machine's.</summary>
    public TimeSpan ProcessorTime { get; init; }
}

/// <summary>Whether a domain had run when its device came: a vTPM that comes later has no record of its boot.</summary>
public enum DomainHistory
{
    /// <summary>The hypervisor does not tell: this domain may not ask (a driver domain), or speaks another version of its interface.</summary>
    Unknown,

    /// <summary>It had been built and not run.</summary>
    Fresh,

    /// <summary>It was running already.</summary>
    Running,

    /// <summary>It had not run here yet, and will go on where it was saved or migrated from: what it has booted is known to nobody here.</summary>
    Restored,
}
