namespace Vtpm.Wire;

/// <summary><c>TPM_MIGRATIONKEYAUTH</c>, Part 2 §5.12: the owner's ticket for a migration key.</summary>
public struct TpmMigrationKeyAuth : IWireStructure<TpmMigrationKeyAuth>
{
    public TpmPubKey MigrationKey;
    public TpmMigrateScheme MigrationScheme;

    /// <summary>SHA-1 of the key, the scheme and tpmProof.</summary>
    public TpmDigest Digest;

    public static void Describe<TCodec>(ref TCodec wire, ref TpmMigrationKeyAuth value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.MigrationKey);
        wire.Enum(ref value.MigrationScheme);
        wire.Structure(ref value.Digest);
    }
}
