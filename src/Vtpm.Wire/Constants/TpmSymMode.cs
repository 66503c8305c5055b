namespace Vtpm.Wire;

/// <summary><c>TPM_SYM_MODE</c>, Part 2 §24.6.</summary>
public enum TpmSymMode : uint
{
    None = 0,
    Ecb = 0x00000001,
    Cbc = 0x00000002,
    Cfb = 0x00000003,
}
