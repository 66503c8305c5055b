namespace Vtpm.Wire;

/// <summary><c>TPM_MIGRATE_SCHEME</c>, Part 2 §4.10.</summary>
public enum TpmMigrateScheme : ushort
{
    None = 0,
    Migrate = 0x0001,
    Rewrap = 0x0002,
    Maint = 0x0003,
    RestrictMigrate = 0x0004,
    RestrictApprove = 0x0005,
}
