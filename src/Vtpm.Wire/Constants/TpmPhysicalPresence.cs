namespace Vtpm.Wire;

/// <summary><c>TPM_PHYSICAL_PRESENCE</c>, Part 2 §4.9.</summary>
[Flags]
public enum TpmPhysicalPresence : ushort
{
    None = 0,
    Lock = 0x0004,
    Present = 0x0008,
    NotPresent = 0x0010,
    CmdEnable = 0x0020,
    HwEnable = 0x0040,
    LifetimeLock = 0x0080,
    CmdDisable = 0x0100,
    HwDisable = 0x0200,
}
