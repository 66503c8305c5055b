using Vtpm.Engine.Commands.Migration;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Maintenance;

public struct CreateMaintenanceArchiveRequest : IWireStructure<CreateMaintenanceArchiveRequest>
{
    /// <summary>Whether random bytes hide the archive from the manufacturer, or what MGF1 makes of the owner's secret.</summary>
    public bool GenerateRandom;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateMaintenanceArchiveRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Bool(ref value.GenerateRandom);
}

public struct CreateMaintenanceArchiveResponse : IWireStructure<CreateMaintenanceArchiveResponse>
{
    /// <summary>What the archive is hidden with, when that is random.</summary>
    public ReadOnlyMemory<byte> Random;

    /// <summary>A TPM_KEY: the SRK, whose encData is for the manufacturer.</summary>
    public ReadOnlyMemory<byte> Archive;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateMaintenanceArchiveResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.Random);
        wire.Sized32(ref value.Archive);
    }
}

/// <summary>
/// <c>TPM_CreateMaintenanceArchive</c>, Part 3 §12.1: SRK, tpmProof and the owner's secret, on their way to another TPM by way of the manufacturer,
/// who cannot see them.
/// </summary>
public sealed class CreateMaintenanceArchive()
    : TpmCommand<CreateMaintenanceArchiveRequest, CreateMaintenanceArchiveResponse>(
        TpmOrdinal.CreateMaintenanceArchive, Sessions.One, Availability.Owned, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(
        CommandContext tpm, in CreateMaintenanceArchiveRequest request, ref CreateMaintenanceArchiveResponse response)
    {
        if (!tpm.PermanentFlags.AllowMaintenance) return DisabledCmd;
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (LoadManuMaintPub.Find(tpm, out TpmPubKey manuMaintPub).Failed(out error)) return error;
        if (Encode(tpm, out byte[] o1).Failed(out error)) return error;
        if (request.GenerateRandom)
        {
            byte[] r1 = new byte[o1.Length];
            tpm.Platform.Random.Fill(r1);
            MigrationBlob.Xor(o1, r1);
            response.Random = r1;
        }
        else
        {
            SymmetricCipher.Mgf1Xor(tpm.PermanentData.OwnerAuth!.Span, o1);
        }

        TpmKey a1 = tpm.PermanentData.Srk!.Key;
        if (MigrationDestination.Encrypt(tpm, manuMaintPub, o1, out a1.EncData).Failed(out error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { MaintenanceDone = true };
        response.Archive = WireFormat.ToBytes(a1);
        return Success;
    }

    /// <summary>Actions 5 to 8: the same encoding as a migration blob has, with tpmProof for the key's secret and the owner's for pHash.</summary>
    private static TpmResult Encode(CommandContext tpm, out byte[] o1)
    {
        LoadedKey srk = tpm.PermanentData.Srk!;
        var m1 = new TpmStoreAsymKey
        {
            UsageAuth = new TpmAuthData(tpm.PermanentData.TpmProof.Span),
            PubDataDigest = srk.PubDataDigest,
            PrivKey = tpm.CopyToScratch(srk.Prime.Span),
        };
        return MigrationBlob.Encode(tpm, m1, TpmPayloadType.Maint, new TpmDigest(tpm.PermanentData.OwnerAuth!.Span), out o1);
    }
}
