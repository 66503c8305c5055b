using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkConvertMigrationRequest : IWireStructure<CmkConvertMigrationRequest>
{
    public uint ParentHandle;
    public TpmCmkAuth RestrictTicket;
    public TpmDigest SigTicket;

    /// <summary>The public part of the key, with the migration blob as its encData.</summary>
    public TpmKey MigratedKey;
    public TpmMsaComposite MsaList;
    public ReadOnlyMemory<byte> Random;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkConvertMigrationRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Structure(ref value.RestrictTicket);
        TpmDigest.Describe(ref wire, ref value.SigTicket);
        wire.Structure(ref value.MigratedKey);
        TpmMsaComposite.DescribeSized(ref wire, ref value.MsaList);
        wire.Sized32(ref value.Random);
    }
}

/// <summary>
/// <c>TPM_CMK_ConvertMigration</c>, Part 3 §11.10: makes a wrapped key of what TPM_CMK_CreateBlob has made, when one of its authorities allows it to
/// be under this parent.
/// </summary>
public sealed class CmkConvertMigration()
    : TpmCommand<CmkConvertMigrationRequest, ConvertMigrationBlobResponse>(
        TpmOrdinal.CmkConvertMigration, Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkConvertMigrationRequest request, ref ConvertMigrationBlobResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (MigrationBlob.Open(tpm, parent, request.MigratedKey.EncData, request.Random, out TpmStoreAsymKey d2).Failed(out error)) return error;
        TpmDigest msaDigest = WireFormat.Digest(request.MsaList);
        TpmDigest migratedPubKeyDigest = WireFormat.Digest(request.MigratedKey.ToPubKey());
        TpmDigest pHash = CmkCreateBlob.Binding(msaDigest, migratedPubKeyDigest);
        if (!pHash.FixedTimeEquals(new TpmDigest(d2.MigrationAuth.ReadOnlySpan))) return AuthFail;
        if (parent.IsMigratable) return InvalidKeyUsage;
        if (d2.Payload != TpmPayloadType.CmkMigrate) return BadMigration;
        if (CheckApproval(tpm, parent, request).Failed(out error)) return error;
        if (tpm.JoinKey(request.MigratedKey, d2, out _).Failed(out error)) return error;
        const TpmKeyFlags Needed = TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority;
        if ((request.MigratedKey.KeyFlags & Needed) != Needed) return InvalidKeyUsage;
        if (request.RestrictTicket.SourceKeyDigest != migratedPubKeyDigest) return MASource;
        d2.Payload = TpmPayloadType.MigrateExternal;
        d2.MigrationAuth = new TpmAuthData(CmkTicket.MigrationAuth(tpm, msaDigest, migratedPubKeyDigest).ReadOnlySpan);
        return tpm.Encrypt(parent, d2, out response.OutData);
    }

    /// <summary>Actions 11 to 13.</summary>
    private static TpmResult CheckApproval(CommandContext tpm, LoadedKey parent, in CmkConvertMigrationRequest request)
    {
        TpmDigest signedData = WireFormat.Digest(request.RestrictTicket);
        if (!CmkTicket.IsSignedByOneOf(tpm, request.MsaList, signedData, request.SigTicket)) return MATicketSignature;
        return request.RestrictTicket.DestinationKeyDigest == WireFormat.Digest(parent.Key.ToPubKey()) ? Success : MADestination;
    }
}
