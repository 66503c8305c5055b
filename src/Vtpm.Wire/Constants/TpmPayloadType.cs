namespace Vtpm.Wire;

/// <summary><c>TPM_PAYLOAD_TYPE</c>, Part 2 §4.2.</summary>
public enum TpmPayloadType : byte
{
    None = 0,
    Asym = 0x01,
    Bind = 0x02,
    Migrate = 0x03,
    Maint = 0x04,
    Seal = 0x05,
    MigrateRestricted = 0x06,
    MigrateExternal = 0x07,
    CmkMigrate = 0x08,
}
