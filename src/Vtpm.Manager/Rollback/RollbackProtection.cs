namespace Vtpm.Manager;

/// <summary>How much the manager insists on noticing that an older image was put back.</summary>
public enum RollbackProtection
{
    /// <summary>
    /// Where the hardware TPM has a counter and a place for the key's mask, they are used; where not, the log says so at each start.
    /// </summary>
    WhenPossible,

    /// <summary>An image without protection stays without. One that has it is checked all the same.</summary>
    Off,

    /// <summary>
    /// Without it, or where it cannot be proven, the manager does not start; one that is provisioned while it runs saves nothing after that.
    /// </summary>
    Required,
}
