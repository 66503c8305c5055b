namespace Vtpm.Wire;

/// <summary><c>TPM_KEY_FLAGS</c>, Part 2 §5.10.</summary>
[Flags]
public enum TpmKeyFlags : uint
{
    None = 0,
    Redirection = 0x01,
    Migratable = 0x02,
    IsVolatile = 0x04,
    PcrIgnoredOnRead = 0x08,
    MigrateAuthority = 0x10,
}
