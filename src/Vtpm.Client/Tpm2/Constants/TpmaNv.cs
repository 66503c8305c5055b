namespace Vtpm.Client;

/// <summary><c>TPMA_NV</c> (TPM 2.0 Part 2 §13.4).</summary>
[Flags]
public enum TpmaNv : uint
{
    None = 0,
    OwnerWrite = 1 << 1,
    AuthWrite = 1 << 2,

    /// <summary>TPM_NT_COUNTER in the field of four bits.</summary>
    Counter = 1 << 4,
    TypeMask = 0xF << 4,
    OwnerRead = 1 << 17,
    AuthRead = 1 << 18,
    NoDa = 1 << 25,
    Written = 1 << 29,
}
