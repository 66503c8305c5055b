namespace Vtpm.Wire;

/// <summary><c>TPM_DEL_OWNER_BITS</c>, Part 2 §20.2, and TPM_DEL_KEY_BITS: which permissions a TPM_DELEGATIONS lists.</summary>
public enum TpmDelegateType : uint
{
    None = 0,
    OwnerBits = 0x00000001,
    KeyBits = 0x00000002,
}
