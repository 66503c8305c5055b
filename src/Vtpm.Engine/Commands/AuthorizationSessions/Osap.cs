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
        TpmOrdinal.Osap, Sessions.None, Availability.Deactivated | Availability.Disabled, Duration.Short, outHandles: 1,
        bareIn: 2 + 4 + TpmNonce.Size, bareOut: 4 + 2 * TpmNonce.Size)
{
    protected override TpmResult Execute(CommandContext tpm, in OsapRequest request, ref OsapResponse response)
    {
        response.NonceEven = tpm.NewNonce();
        response.NonceEvenOsap = tpm.NewNonce();
        if (request.EncScheme is not (TpmAdipEncScheme.Xor or TpmAdipEncScheme.Aes128Ctr)) return InappropriateEnc;
        var session = new AuthSession
        {
            Handle = 0,
            Protocol = TpmProtocolId.Osap,
            NonceEven = response.NonceEven,
            AdipScheme = request.EncScheme,
        };
        if (Bind(tpm, request, ref session, out Secret secret).Failed(out TpmResult error)) return error;
        session = session with { SharedSecret = CommandContext.SharedSecret(secret, response.NonceEvenOsap, request.NonceOddOsap) };
        return tpm.OpenSession(session, out response.AuthHandle);
    }

    /// <summary>Actions 6 to 11: the entity of the session, and its secret.</summary>
    private static TpmResult Bind(CommandContext tpm, in OsapRequest request, ref AuthSession session, out Secret secret)
    {
        secret = null!;
        switch (request.EntityType)
        {
            case TpmEntityType.KeyHandle when request.EntityValue == TpmKeyHandle.Operator:
                return BadHandle;
            case TpmEntityType.KeyHandle:
                return BindKey(tpm, request.EntityValue, ref session, out secret);
            case TpmEntityType.Srk:
                return BindKey(tpm, TpmKeyHandle.Srk, ref session, out secret);
            case TpmEntityType.Owner:
                return BindOwner(tpm, ref session, out secret);
            case TpmEntityType.Counter:
                if (!tpm.Permanent.Counters.Counters.TryFind(request.EntityValue, out MonotonicCounter? counter)) return BadCounter;
                (session, secret) = (session with { Entity = counter.Entity }, counter.Auth);
                return Success;
            case TpmEntityType.Nv:
                if (tpm.Permanent.Nv.Find(request.EntityValue) is not { } area) return BadIndex;
                (session, secret) = (session with { Entity = area.Entity }, area.Auth);
                return Success;
            default:
                return BadParameter;
        }
    }

    private static TpmResult BindKey(CommandContext tpm, uint handle, ref AuthSession session, out Secret secret)
    {
        secret = null!;
        if (tpm.FindKey(handle, out LoadedKey key).Failed(out TpmResult error)) return error;
        (session, secret) = (session with { Entity = key.Entity }, key.UsageAuth);
        return Success;
    }

    /// <summary>Action 7, and description 5: an owner pointer that points to a delegation makes a session of the delegate's.</summary>
    private static TpmResult BindOwner(CommandContext tpm, ref AuthSession session, out Secret secret)
    {
        session = session with { Entity = AuthEntity.Owner };
        if (!tpm.TryFindOwnerReference(out DelegateRow? row))
        {
            secret = tpm.PermanentData.OwnerAuth!;
            return secret is null ? BadParameter : Success;
        }

        secret = row?.AuthValue!;
        if (row is null) return BadIndex;
        session = session with { Protocol = TpmProtocolId.Dsap, Delegation = row.Pub };
        return Success;
    }
}
