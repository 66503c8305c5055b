namespace Vtpm.Wire;

/// <summary><c>TPM_PF_*</c>, Part 2 §7.1.1: the flags of TPM_PERMANENT_FLAGS as TPM_SetCapability numbers them.</summary>
public enum TpmPermanentFlag : uint
{
    None = 0,
    Disable = 1,
    Ownership = 2,
    Deactivated = 3,
    ReadPubek = 4,
    DisableOwnerClear = 5,
    AllowMaintenance = 6,
    PhysicalPresenceLifetimeLock = 7,
    PhysicalPresenceHwEnable = 8,
    PhysicalPresenceCmdEnable = 9,
    CekpUsed = 10,
    TpmPost = 11,
    TpmPostLock = 12,
    Fips = 13,
    Operator = 14,
    EnableRevokeEK = 15,
    NvLocked = 16,
    ReadSrkPub = 17,
    TpmEstablished = 18,
    MaintenanceDone = 19,
    DisableFullDALogicInfo = 20,
}
