namespace Vtpm.Wire;

/// <summary><c>TPM_KEY_DELEGATE_*</c>, Part 2 §20.2.3: per1 of a key delegation; each bit has the name of its ordinal.</summary>
[Flags]
public enum TpmDelegateKeyPermission : uint
{
    None = 0,
    LoadKey = 1u << 0,
    Seal = 1u << 1,
    Unseal = 1u << 2,
    Quote = 1u << 3,
    UnBind = 1u << 4,
    GetPubKey = 1u << 5,
    ChangeAuth = 1u << 6,
    DelegateCreateKeyDelegation = 1u << 7,
    ConvertMigrationBlob = 1u << 8,
    CreateMigrationBlob = 1u << 9,
    CmkCreateBlob = 1u << 10,
    CreateWrapKey = 1u << 11,
    CertifyKey = 1u << 12,
    CertifyKey2 = 1u << 13,
    Sign = 1u << 14,
    GetAuditDigestSigned = 1u << 15,
    ActivateIdentity = 1u << 16,
    MakeIdentity = 1u << 17,
    Sealx = 1u << 18,
    Quote2 = 1u << 19,
    ReleaseTransportSigned = 1u << 20,
    EstablishTransport = 1u << 21,
    LoadKey2 = 1u << 22,
    MigrateKey = 1u << 23,
    CmkCreateKey = 1u << 24,
    ChangeAuthAsymFinish = 1u << 25,
    ChangeAuthAsymStart = 1u << 26,
    TickStampBlob = 1u << 27,
    CmkConvertMigration = 1u << 28,
}
