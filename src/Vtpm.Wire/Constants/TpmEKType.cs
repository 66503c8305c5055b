namespace Vtpm.Wire;

/// <summary><c>TPM_EK_TYPE</c>, Part 2 §4.11.</summary>
public enum TpmEKType : ushort
{
    None = 0,
    Activate = 0x0001,
    Auth = 0x0002,
}
