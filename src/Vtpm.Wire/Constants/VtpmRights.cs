namespace Vtpm.Wire;

/// <summary>What a vTPM may do beside keeping its own keys.</summary>
[Flags]
public enum VtpmRights : uint
{
    None = 0,

    /// <summary>May give management commands.</summary>
    Admin = 1,
}
