namespace Vtpm.Wire;

/// <summary><c>TPM_FAMILY_FLAGS</c>, Part 2 §20.3.</summary>
[Flags]
public enum TpmFamilyFlags : uint
{
    None = 0,

    /// <summary>TPM_FAMFLAG_ENABLED.</summary>
    Enabled = 1 << 0,

    /// <summary>TPM_DELEGATE_ADMIN_LOCK.</summary>
    DelegateAdminLock = 1 << 1,
}
