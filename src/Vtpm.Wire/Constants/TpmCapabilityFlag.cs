namespace Vtpm.Wire;

/// <summary><c>TPM_CAP_FLAG_*</c>, Part 2 §21.1: the subcaps of TPM_CAP_FLAG.</summary>
public enum TpmCapabilityFlag : uint
{
    None = 0,
    Permanent = 0x00000108,
    Volatile = 0x00000109,
}
