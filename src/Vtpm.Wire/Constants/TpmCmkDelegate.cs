namespace Vtpm.Wire;

/// <summary><c>TPM_CMK_DELEGATE</c>, Part 2 §5.17: the usages of certified migration keys that delegated commands may touch.</summary>
[Flags]
public enum TpmCmkDelegate : uint
{
    None = 0,
    Migrate = 1u << 27,
    Legacy = 1u << 28,
    Bind = 1u << 29,
    Storage = 1u << 30,
    Signing = 1u << 31,
}
