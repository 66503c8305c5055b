namespace Vtpm.Wire;

/// <summary><c>TPM_STARTUP_EFFECTS</c>, Part 2 §4.6: what TPM_Startup does to resources and to the audit digest.</summary>
[Flags]
public enum TpmStartupEffects : uint
{
    None = 0,

    /// <summary>TPM_RT_CONTEXT sessions are initialized by TPM_Startup(ST_STATE).</summary>
    ContextByStState = 1 << 0,
    TransByStState = 1 << 1,
    HashByStState = 1 << 2,
    AuthByStState = 1 << 3,
    Deprecated = 1 << 4,
    AuditDigestByAny = 1 << 5,
    AuditDigestByStClear = 1 << 6,
    AuditDigestByNone = 1 << 7,
    DaaByStState = 1 << 8,
}
