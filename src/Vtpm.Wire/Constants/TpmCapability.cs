namespace Vtpm.Wire;

/// <summary><c>TPM_CAPABILITY_AREA</c>, Part 2 §21.1: the areas of TPM_GetCapability.</summary>
public enum TpmCapability : uint
{
    None = 0,
    Ord = 0x00000001,
    Alg = 0x00000002,
    Pid = 0x00000003,
    Flag = 0x00000004,
    Property = 0x00000005,
    Version = 0x00000006,
    KeyHandle = 0x00000007,
    CheckLoaded = 0x00000008,
    SymMode = 0x00000009,
    KeyStatus = 0x0000000C,
    NvList = 0x0000000D,
    Mfr = 0x00000010,
    NvIndex = 0x00000011,
    TransAlg = 0x00000012,
    Handle = 0x00000014,
    TransES = 0x00000015,
    AuthEncrypt = 0x00000017,
    SelectSize = 0x00000018,
    DALogic = 0x00000019,
    VersionVal = 0x0000001A,
}
