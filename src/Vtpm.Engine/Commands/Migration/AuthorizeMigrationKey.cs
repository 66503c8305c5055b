using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct AuthorizeMigrationKeyRequest : IWireStructure<AuthorizeMigrationKeyRequest>
{
    public TpmMigrateScheme MigrationScheme;
    public TpmPubKey MigrationKey;

    public static void Describe<TCodec>(ref TCodec wire, ref AuthorizeMigrationKeyRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.MigrationScheme);
        wire.Structure(ref value.MigrationKey);
    }
}

public struct AuthorizeMigrationKeyResponse : IWireStructure<AuthorizeMigrationKeyResponse>
{
    public TpmMigrationKeyAuth OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref AuthorizeMigrationKeyResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Structure(ref value.OutData);
}

/// <summary><c>TPM_AuthorizeMigrationKey</c>, Part 3 §11.3: the owner's ticket for a destination that users may migrate keys to.</summary>
public sealed class AuthorizeMigrationKey()
    : TpmCommand<AuthorizeMigrationKeyRequest, AuthorizeMigrationKeyResponse>(
        TpmOrdinal.AuthorizeMigrationKey, Sessions.One, Availability.Owned, Duration.Short, audit: Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in AuthorizeMigrationKeyRequest request, ref AuthorizeMigrationKeyResponse response)
    {
        if (MigrationDestination.CheckStrength(request.MigrationKey).Failed(out TpmResult error)) return error;
        if (tpm.AuthorizeOwner().Failed(out error)) return error;
        if (request.MigrationKey.AlgorithmParms.EncScheme != TpmEncScheme.RsaesOaepSha1Mgf1) return InappropriateEnc;
        var f1 = new TpmMigrationKeyAuth { MigrationKey = request.MigrationKey, MigrationScheme = request.MigrationScheme };
        f1.Digest = MigrationDestination.Authorization(tpm, f1);
        response.OutData = f1;
        return Success;
    }
}
