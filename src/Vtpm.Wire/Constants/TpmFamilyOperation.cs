namespace Vtpm.Wire;

/// <summary><c>TPM_FAMILY_OPERATION</c>, Part 2 §20.14: the opFlag of TPM_Delegate_Manage.</summary>
public enum TpmFamilyOperation : uint
{
    None = 0,
    Create = 0x00000001,
    Enable = 0x00000002,
    Admin = 0x00000003,
    Invalidate = 0x00000004,
}
