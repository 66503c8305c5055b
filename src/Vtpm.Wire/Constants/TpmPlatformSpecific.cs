namespace Vtpm.Wire;

/// <summary><c>TPM_PLATFORM_SPECIFIC</c>, Part 2 §4.12.</summary>
public enum TpmPlatformSpecific : ushort
{
    None = 0,
    Pc11 = 0x0001,
    Pc12 = 0x0002,
    Pda12 = 0x0003,
    Server12 = 0x0004,
    Mobile12 = 0x0005,
}
