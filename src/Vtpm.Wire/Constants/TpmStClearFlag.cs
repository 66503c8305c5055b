namespace Vtpm.Wire;

/// <summary><c>TPM_SF_*</c>, Part 2 §7.2.1: the flags of TPM_STCLEAR_FLAGS as TPM_SetCapability numbers them.</summary>
public enum TpmStClearFlag : uint
{
    None = 0,
    Deactivated = 1,
    DisableForceClear = 2,
    PhysicalPresence = 3,
    PhysicalPresenceLock = 4,
    BGlobalLock = 5,
}
