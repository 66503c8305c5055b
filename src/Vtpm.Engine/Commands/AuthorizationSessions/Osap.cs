using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationSessions;

public struct OsapRequest : IWireStructure<OsapRequest>
{
    /// <summary>The ADIP encryption scheme in the high byte, the entity's type in the low one (Part 2 §4.3).</summary>
    public TpmAdipEncScheme EncScheme;
    public TpmEntityType EntityType;
    public uint EntityValue;
    public TpmNonce NonceOddOsap;

    public static void Describe<TCodec>(ref TCodec wire, ref OsapRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.EncScheme);
        wire.Enum(ref value.EntityType);
        wire.UInt32(ref value.EntityValue);
        TpmNonce.Describe(ref wire, ref value.NonceOddOsap);
    }
}

public struct OsapResponse : IWireStructure<OsapResponse>
{
    public uint AuthHandle;
    public TpmNonce NonceEven;
    public TpmNonce NonceEvenOsap;

    public static void Describe<TCodec>(ref TCodec wire, ref OsapResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.AuthHandle);
        TpmNonce.Describe(ref wire, ref value.NonceEven);
        TpmNonce.Describe(ref wire, ref value.NonceEvenOsap);
    }
}

/// <summary><c>TPM_OSAP</c>, Part 3 §18.2: opens an authorization session for one entity, with a secret of its own.</summary>
public sealed class Osap()
    : TpmCommand<OsapRequest, OsapResponse>(
        TpmOrdinal.Osap, Sessions.None, Availability.Deactivated | Availability.Disabled, Duration.Short, outHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in OsapRequest request, ref OsapResponse response)
    {
        response.NonceEven = tpm.NewNonce();
        response.NonceEvenOsap = tpm.NewNonce();
        if (request.EncScheme is not (TpmAdipEncScheme.Xor or TpmAdipEncScheme.Aes128Ctr)) return InappropriateEnc;
        if (FindEntity(tpm, request, out AuthEntity entity, out Secret secret).Failed(out TpmResult error)) return error;
        var session = new AuthSession
        {
            Handle = 0,
            Protocol = TpmProtocolId.Osap,
            NonceEven = response.NonceEven,
            Entity = entity,
            SharedSecret = CommandContext.SharedSecret(secret, response.NonceEvenOsap, request.NonceOddOsap),
            AdipScheme = request.EncScheme,
        };
        return tpm.OpenSession(session, out response.AuthHandle);
    }

    /// <summary>§18.2 actions 6 to 11.</summary>
    private static TpmResult FindEntity(CommandContext tpm, in OsapRequest request, out AuthEntity entity, out Secret secret)
    {
        entity = default;
        secret = null!;
        switch (request.EntityType)
        {
            case TpmEntityType.KeyHandle when request.EntityValue == TpmKeyHandle.Operator:
                return BadHandle;
            case TpmEntityType.KeyHandle or TpmEntityType.Srk:
                uint handle = request.EntityType == TpmEntityType.Srk ? TpmKeyHandle.Srk : request.EntityValue;
                if (tpm.FindKey(handle, out LoadedKey key).Failed(out TpmResult error)) return error;
                (entity, secret) = (key.Entity, key.UsageAuth);
                return Success;
            case TpmEntityType.Owner when tpm.PermanentData.OwnerAuth is { } ownerAuth:
                (entity, secret) = (AuthEntity.Owner, ownerAuth);
                return Success;
            case TpmEntityType.Counter:
                if (!tpm.Permanent.Counters.Counters.TryFind(request.EntityValue, out MonotonicCounter? counter)) return BadCounter;
                (entity, secret) = (counter.Entity, counter.Auth);
                return Success;
            case TpmEntityType.Nv:
                if (tpm.Permanent.Nv.Find(request.EntityValue) is not { } area) return BadIndex;
                (entity, secret) = (area.Entity, area.Auth);
                return Success;
            default:
                return BadParameter;
        }
    }
}
