namespace Vtpm.Wire;

/// <summary>What MANAGER_INFO says of the manager. Ours.</summary>
[Flags]
public enum VtpmManagerStates : uint
{
    None = 0,

    /// <summary>What is acknowledged is on the disk: group 0 has an approved configuration.</summary>
    Persistent = 1,

    /// <summary>A save has failed so late that the disk may have it: no key is given out until the disk works again.</summary>
    InDoubt = 2,
}
