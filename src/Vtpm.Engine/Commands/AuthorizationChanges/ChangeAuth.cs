using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationChanges;

public struct ChangeAuthRequest : IWireStructure<ChangeAuthRequest>
{
    public uint ParentHandle;
    public TpmProtocolId ProtocolId;
    public TpmAuthData NewAuth;
    public ushort EntityType;
    public ReadOnlyMemory<byte> EncData;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.Enum(ref value.ProtocolId);
        TpmAuthData.Describe(ref wire, ref value.NewAuth);
        wire.UInt16(ref value.EntityType);
        wire.Sized32(ref value.EncData);
    }
}

public struct ChangeAuthResponse : IWireStructure<ChangeAuthResponse>
{
    public ReadOnlyMemory<byte> OutData;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.Sized32(ref value.OutData);
}

/// <summary><c>TPM_ChangeAuth</c>, Part 3 §17.1: another secret for a wrapped key or a sealed blob. The old blob stays as good as it was.</summary>
public sealed class ChangeAuth()
    : TpmCommand<ChangeAuthRequest, ChangeAuthResponse>(TpmOrdinal.ChangeAuth, Sessions.Two, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in ChangeAuthRequest request, ref ChangeAuthResponse response)
    {
        if (!EncryptedEntity.IsOne(request.EntityType)) return WrongEntityType;
        if (tpm.Auths[0].Session.Protocol == TpmProtocolId.Oiap || tpm.Auths[1].Session.Protocol != TpmProtocolId.Oiap) return BadMode;
        if (request.ProtocolId != TpmProtocolId.Adcp) return BadParameter;
        if (tpm.UseKey(request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (tpm.DecryptAuth(request.NewAuth, AdipNonce.Even, out Secret newAuth).Failed(out error)) return error;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        tpm.Auths[1].Continue = false;
        // Actions 9 to 12.
        if (EncryptedEntity.Open(tpm, parent, request.EntityType, request.EncData, out EncryptedEntity entity).Failed(out error)) return error;
        if (AuthorizeEntity(tpm, entity.Auth).Failed(out error)) return error;
        return entity.Close(tpm, parent, newAuth, out response.OutData);
    }

    /// <summary>Action 10b: by the second session, which is OIAP, and so is bound to nothing.</summary>
    private static TpmResult AuthorizeEntity(CommandContext tpm, in TpmAuthData usageAuth) =>
        tpm.Authorize(new AuthEntity(TpmEntityType.Data, default), tpm.Scratch.Keep(new Secret(usageAuth.ReadOnlySpan)));
}
