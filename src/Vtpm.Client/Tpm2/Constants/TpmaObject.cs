namespace Vtpm.Client;

/// <summary><c>TPMA_OBJECT</c> (TPM 2.0 Part 2 §8.3).</summary>
[Flags]
public enum TpmaObject : uint
{
    None = 0,
    FixedTpm = 1 << 1,
    StClear = 1 << 2,
    FixedParent = 1 << 4,
    SensitiveDataOrigin = 1 << 5,

    /// <summary>Use by the authorization value; without it, by the policy alone.</summary>
    UserWithAuth = 1 << 6,
    AdminWithPolicy = 1 << 7,

    /// <summary>Wrong authorizations do not count against guessing.</summary>
    NoDa = 1 << 10,
    EncryptedDuplication = 1 << 11,
    Restricted = 1 << 16,
    Decrypt = 1 << 17,
    Sign = 1 << 18,
}
