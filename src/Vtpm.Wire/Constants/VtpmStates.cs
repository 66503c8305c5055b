namespace Vtpm.Wire;

/// <summary>What VTPM_SHOW says of a vTPM. Ours.</summary>
[Flags]
public enum VtpmStates : uint
{
    None = 0,

    /// <summary>The manager has the keys of its group.</summary>
    GroupOpen = 1,

    /// <summary>It has opened its keys on a connection that still stands.</summary>
    Connected = 2,

    /// <summary>It has saved a key at least once.</summary>
    HasKey = 4,
}
