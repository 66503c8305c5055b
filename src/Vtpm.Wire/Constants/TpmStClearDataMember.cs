namespace Vtpm.Wire;

/// <summary><c>TPM_SD_*</c>, Part 2 §7.5.1: the members of TPM_STCLEAR_DATA as TPM_SetCapability numbers them.</summary>
public enum TpmStClearDataMember : uint
{
    None = 0,
    ContextNonceKey = 1,
    CountId = 2,
    OwnerReference = 3,
    DisableResetLock = 4,
    Pcr = 5,
    DeferredPhysicalPresence = 6,
}
