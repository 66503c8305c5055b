namespace Vtpm.Wire;

/// <summary><c>TPM_STARTUP_TYPE</c>, Part 2 §4.5.</summary>
public enum TpmStartupType : ushort
{
    None = 0,
    Clear = 0x0001,
    State = 0x0002,
    Deactivated = 0x0003,
}
