namespace Vtpm.Wire;

/// <summary><c>TPM_DA_ACTION_*</c>, Part 2 §21.10: the bits of TPM_DA_ACTION_TYPE.</summary>
[Flags]
public enum TpmDaActions : uint
{
    None = 0,
    Timeout = 1 << 0,
    Disable = 1 << 1,
    Deactivate = 1 << 2,
    FailureMode = 1 << 3,
}
