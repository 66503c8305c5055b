namespace Vtpm.Wire;

/// <summary><c>TPM_AF_*</c>, Part 2 §7.3.1: the flags of TPM_STANY_FLAGS as TPM_SetCapability numbers them.</summary>
public enum TpmStAnyFlag : uint
{
    None = 0,
    PostInitialise = 1,
    LocalityModifier = 2,
    TransportExclusive = 3,
    TosPresent = 4,
}
