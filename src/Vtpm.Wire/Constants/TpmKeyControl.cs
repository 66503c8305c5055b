namespace Vtpm.Wire;

/// <summary><c>TPM_KEY_CONTROL</c>, Part 2 §10.9: the attribute that TPM_KeyControlOwner sets.</summary>
[Flags]
public enum TpmKeyControl : uint
{
    None = 0,
    OwnerEvict = 0x00000001,
}
