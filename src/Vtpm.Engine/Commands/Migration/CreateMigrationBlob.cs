using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CreateMigrationBlobRequest : IWireStructure<CreateMigrationBlobRequest>
{
    public uint ParentHandle;
    public TpmMigrateScheme MigrationType;
    public TpmMigrationKeyAuth MigrationKeyAuth;
    public ReadOnlyMemory<byte> EncData;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateMigrationBlobRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Enum(ref value.MigrationType);
        wire.Structure(ref value.MigrationKeyAuth);
        wire.Sized32(ref value.EncData);
    }
}

/// <summary><c>TPM_CreateMigrationBlob</c>, Part 3 §11.1: a migratable key for another parent, by one step or by two.</summary>
public sealed class CreateMigrationBlob()
    : TpmCommand<CreateMigrationBlobRequest, MigrationBlobResponse>(
        TpmOrdinal.CreateMigrationBlob, Sessions.One | Sessions.Two, Availability.Owned, Duration.Medium, audit: Audit.Default, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in CreateMigrationBlobRequest request, ref MigrationBlobResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (tpm.Decrypt(parent, request.EncData, out TpmStoreAsymKey d1).Failed(out error)) return error;
        if (d1.Payload != TpmPayloadType.Asym) return BadMigration;
        if (AuthorizeMigration(tpm, d1.MigrationAuth).Failed(out error)) return error;
        if (!MigrationDestination.IsAuthorized(tpm, request.MigrationKeyAuth)) return AuthFail;
        if (request.MigrationType is not (TpmMigrateScheme.Migrate or TpmMigrateScheme.Rewrap)) return BadParameter;
        // Part 2 §4.10: what the owner has authorized for one scheme is not good for the other.
        if (request.MigrationKeyAuth.MigrationScheme != request.MigrationType) return BadMode;
        TpmPubKey destination = request.MigrationKeyAuth.MigrationKey;
        return request.MigrationType == TpmMigrateScheme.Migrate
            ? MigrationBlob.Create(tpm, d1, TpmPayloadType.Migrate, new TpmDigest(d1.MigrationAuth.ReadOnlySpan), destination, ref response)
            : MigrationDestination.Encrypt(tpm, destination, WireFormat.ToBytes(d1, tpm.Scratch), out response.OutData);
    }

    /// <summary>Action 4. The session must be OIAP: no other can be bound to a key that is in no slot.</summary>
    private static TpmResult AuthorizeMigration(CommandContext tpm, in TpmAuthData migrationAuth)
    {
        if (tpm.NextAuth?.Session.Protocol != TpmProtocolId.Oiap) return BadMode;
        return tpm.Authorize(new AuthEntity(TpmEntityType.Data, default), tpm.Scratch.Keep(new Secret(migrationAuth.ReadOnlySpan)));
    }
}
