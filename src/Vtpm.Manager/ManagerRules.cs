namespace Vtpm.Manager;

/// <summary>What the manager was told about who may do what.</summary>
internal sealed record ManagerRules
{
    /// <summary>Acknowledge what an unprovisioned manager can keep in memory only.</summary>
    public bool AllowUnprovisioned { get; init; }

    /// <summary>The first vTPM of group 0 becomes an administrator, as the original has it.</summary>
    public bool FirstIsAdmin { get; init; }

    /// <summary>Administrators while this manager runs.</summary>
    public IReadOnlySet<Guid> AdminVtpms { get; init; } = new HashSet<Guid>();

    public static ManagerRules Of(ManagerOptions options) => new()
    {
        AllowUnprovisioned = options.AllowUnprovisioned,
        FirstIsAdmin = options.FirstIsAdmin,
        AdminVtpms = options.AdminVtpms.ToHashSet(),
    };
}
