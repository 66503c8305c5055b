namespace Vtpm.Wire;

/// <summary><c>TPM_NV_PER_*</c>, Part 2 §19.2: the bits of TPM_NV_ATTRIBUTES.</summary>
[Flags]
public enum TpmNvPermission : uint
{
    None = 0,
    PPWrite = 1u << 0,
    OwnerWrite = 1u << 1,
    AuthWrite = 1u << 2,
    WriteAll = 1u << 12,
    WriteDefine = 1u << 13,
    WriteStClear = 1u << 14,
    GlobalLock = 1u << 15,
    PPRead = 1u << 16,
    OwnerRead = 1u << 17,
    AuthRead = 1u << 18,
    ReadStClear = 1u << 31,
}
