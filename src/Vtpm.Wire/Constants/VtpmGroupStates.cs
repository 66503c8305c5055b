namespace Vtpm.Wire;

/// <summary>What GROUP_INFO says of a group. Ours.</summary>
[Flags]
public enum VtpmGroupStates : uint
{
    None = 0,

    /// <summary>The manager has the group's keys.</summary>
    Open = 1,

    /// <summary>An authority governs it.</summary>
    Authority = 2,

    /// <summary>It has an identity key, and so quotes.</summary>
    Identity = 4,

    /// <summary>An older state of the group may have been put into this image.</summary>
    RollbackDetected = 8,

    /// <summary>Its keys were made by this process: GROUP_REGISTER gives them to the authority.</summary>
    Registrable = 16,

    /// <summary>GROUP_RECOVER1 was answered, and GROUP_RECOVER2 is awaited.</summary>
    Recovering = 32,

    /// <summary>It was opened by GROUP_RECOVER2, and is closed again at the next start unless GROUP_UPDATE approves the present platform.</summary>
    Recovered = 64,
}
