using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Migration;

public struct CmkCreateBlobRequest : IWireStructure<CmkCreateBlobRequest>
{
    public uint ParentHandle;

    /// <summary>Ignored, as action 2 allows: what counts is the scheme that the owner has authorized.</summary>
    public TpmMigrateScheme MigrationType;
    public TpmMigrationKeyAuth MigrationKeyAuth;
    public TpmDigest PubSourceKeyDigest;
    public TpmMsaComposite MsaList;

    /// <summary>For TPM_MS_RESTRICT_APPROVE a TPM_CMK_AUTH, what an authority has signed; otherwise empty.</summary>
    public ReadOnlyMemory<byte> RestrictTicket;

    /// <summary>For TPM_MS_RESTRICT_APPROVE what TPM_CMK_CreateTicket has answered; otherwise empty.</summary>
    public ReadOnlyMemory<byte> SigTicket;
    public ReadOnlyMemory<byte> EncData;

    public static void Describe<TCodec>(ref TCodec wire, ref CmkCreateBlobRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Enum(ref value.MigrationType);
        wire.Structure(ref value.MigrationKeyAuth);
        TpmDigest.Describe(ref wire, ref value.PubSourceKeyDigest);
        TpmMsaComposite.DescribeSized(ref wire, ref value.MsaList);
        wire.Sized32(ref value.RestrictTicket);
        wire.Sized32(ref value.SigTicket);
        wire.Sized32(ref value.EncData);
    }
}

/// <summary><c>TPM_CMK_CreateBlob</c>, Part 3 §11.9: a certified migration key for an authority, or for where an authority allows.</summary>
public sealed class CmkCreateBlob()
    : TpmCommand<CmkCreateBlobRequest, MigrationBlobResponse>(
        TpmOrdinal.CmkCreateBlob, Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in CmkCreateBlobRequest request, ref MigrationBlobResponse response)
    {
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage || parent.IsMigratable) return InvalidKeyUsage;
        if (tpm.Decrypt(parent, request.EncData, out TpmStoreAsymKey d1).Failed(out error)) return error;
        if (!MigrationDestination.IsAuthorized(tpm, request.MigrationKeyAuth)) return AuthFail;
        if (d1.Payload is not (TpmPayloadType.MigrateRestricted or TpmPayloadType.MigrateExternal)) return InvalidStructure;
        TpmDigest msaDigest = WireFormat.Digest(request.MsaList);
        TpmDigest m2 = CmkTicket.MigrationAuth(tpm, msaDigest, request.PubSourceKeyDigest);
        if (!m2.FixedTimeEquals(new TpmDigest(d1.MigrationAuth.ReadOnlySpan))) return MAAuthority;
        error = request.MigrationKeyAuth.MigrationScheme switch
        {
            TpmMigrateScheme.RestrictMigrate => CheckAuthority(request),
            TpmMigrateScheme.RestrictApprove => CheckApproval(tpm, request),
            _ => BadParameter,
        };
        if (error != Success) return error;
        TpmDigest pHash = Binding(msaDigest, request.PubSourceKeyDigest);
        return MigrationBlob.Create(tpm, d1, TpmPayloadType.CmkMigrate, pHash, request.MigrationKeyAuth.MigrationKey, ref response);
    }

    /// <summary>Action 13b: what the blob of a key is bound to.</summary>
    internal static TpmDigest Binding(in TpmDigest msaDigest, in TpmDigest pubSourceKeyDigest)
    {
        Span<byte> both = stackalloc byte[2 * TpmDigest.Size];
        msaDigest.ReadOnlySpan.CopyTo(both);
        pubSourceKeyDigest.ReadOnlySpan.CopyTo(both[TpmDigest.Size..]);
        return TpmDigest.Of(both);
    }

    /// <summary>Action 8: the destination is an authority. That it is RSA for OAEP, the owner's authorization of it says (Part 3 §11.3).</summary>
    private static TpmResult CheckAuthority(in CmkCreateBlobRequest request)
    {
        TpmPubKey destination = request.MigrationKeyAuth.MigrationKey;
        if (!request.MsaList.MigAuthDigest.Contains(WireFormat.Digest(destination))) return MATicketSignature;
        if (destination.AlgorithmParms.SigScheme != TpmSigScheme.None) return InvalidKeyUsage;
        return request.RestrictTicket.IsEmpty && request.SigTicket.IsEmpty ? Success : BadParameter;
    }

    /// <summary>Action 9: an authority has signed that this key may go to that destination.</summary>
    private static TpmResult CheckApproval(CommandContext tpm, in CmkCreateBlobRequest request)
    {
        if (WireFormat.Read(request.SigTicket.Span, out TpmDigest sigTicket).Failed(out TpmResult error)) return error;
        TpmDigest signedData = TpmDigest.Of(request.RestrictTicket.Span);
        if (!CmkTicket.IsSignedByOneOf(tpm, request.MsaList, signedData, sigTicket)) return MATicketSignature;
        if (WireFormat.Read(request.RestrictTicket.Span, out TpmCmkAuth restrictTicket).Failed(out error)) return error;
        if (restrictTicket.DestinationKeyDigest != WireFormat.Digest(request.MigrationKeyAuth.MigrationKey)) return MADestination;
        return restrictTicket.SourceKeyDigest == request.PubSourceKeyDigest ? Success : MASource;
    }
}
