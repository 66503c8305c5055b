namespace Vtpm.Wire;

/// <summary><c>TPM_PD_*</c>, Part 2 §7.4.1: the members of TPM_PERMANENT_DATA as TPM_SetCapability numbers them.</summary>
public enum TpmPermanentDataMember : uint
{
    None = 0,
    RevMajor = 1,
    RevMinor = 2,
    TpmProof = 3,
    OwnerAuth = 4,
    OperatorAuth = 5,
    ManuMaintPub = 6,
    EndorsementKey = 7,
    Srk = 8,
    DelegateKey = 9,
    ContextKey = 10,
    AuditMonotonicCounter = 11,
    MonotonicCounter = 12,
    PcrAttrib = 13,
    OrdinalAuditStatus = 14,
    AuthDir = 15,
    RngState = 16,
    FamilyTable = 17,
    DelegateTable = 18,
    EKReset = 19,
    LastFamilyId = 21,
    NoOwnerNvWrite = 22,
    RestrictDelegate = 23,
    TpmDaaSeed = 24,
    DaaProof = 25,
}
