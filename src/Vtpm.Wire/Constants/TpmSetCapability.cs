namespace Vtpm.Wire;

/// <summary><c>TPM_CAPABILITY_AREA</c>, Part 2 §21.4: the areas of TPM_SetCapability (TPM_SET_*).</summary>
public enum TpmSetCapability : uint
{
    None = 0,
    PermFlags = 0x00000001,
    PermData = 0x00000002,
    StClearFlags = 0x00000003,
    StClearData = 0x00000004,
    StAnyFlags = 0x00000005,
    StAnyData = 0x00000006,
    Vendor = 0x00000007,
}
