namespace Vtpm.Wire;

/// <summary><c>TPM_DA_STATE</c>, Part 2 §21.9.</summary>
public enum TpmDaState : byte
{
    Inactive = 0x00,
    Active = 0x01,
}
