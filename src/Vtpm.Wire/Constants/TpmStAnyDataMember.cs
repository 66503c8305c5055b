namespace Vtpm.Wire;

/// <summary><c>TPM_AD_*</c>, Part 2 §7.6.1: the members of TPM_STANY_DATA as TPM_SetCapability numbers them.</summary>
public enum TpmStAnyDataMember : uint
{
    None = 0,
    ContextNonceSession = 1,
    AuditDigest = 2,
    CurrentTicks = 3,
    ContextCount = 4,
    ContextList = 5,
    Sessions = 6,
}
