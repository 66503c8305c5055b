using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.AuthorizationSessions;

public struct DsapRequest : IWireStructure<DsapRequest>
{
    /// <summary>The ADIP encryption scheme in the high byte, the kind of delegation in the low one (Part 2 §4.3).</summary>
    public TpmAdipEncScheme EncScheme;
    public TpmEntityType EntityType;

    /// <summary>The key that is delegated; of no meaning for the owner's authority.</summary>
    public uint KeyHandle;
    public TpmNonce NonceOddDsap;

    /// <summary>A TPM_DELEGATE_OWNER_BLOB, a TPM_DELEGATE_KEY_BLOB or a TPM_DELEGATE_INDEX.</summary>
    public ReadOnlyMemory<byte> EntityValue;

    public static void Describe<TCodec>(ref TCodec wire, ref DsapRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Enum(ref value.EncScheme);
        wire.Enum(ref value.EntityType);
        wire.UInt32(ref value.KeyHandle);
        TpmNonce.Describe(ref wire, ref value.NonceOddDsap);
        wire.Sized32(ref value.EntityValue);
    }
}

public struct DsapResponse : IWireStructure<DsapResponse>
{
    public uint AuthHandle;
    public TpmNonce NonceEven;
    public TpmNonce NonceEvenDsap;

    public static void Describe<TCodec>(ref TCodec wire, ref DsapResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.AuthHandle);
        TpmNonce.Describe(ref wire, ref value.NonceEven);
        TpmNonce.Describe(ref wire, ref value.NonceEvenDsap);
    }
}

/// <summary><c>TPM_DSAP</c>, Part 3 §18.3: opens an authorization session that is worth what a delegation grants.</summary>
public sealed class Dsap()
    : TpmCommand<DsapRequest, DsapResponse>(
        TpmOrdinal.Dsap, Sessions.None, Availability.Deactivated | Availability.Disabled, Duration.Short, outHandles: 1,
        bareIn: 2 + 4 + TpmNonce.Size + 4, bareOut: 4 + 2 * TpmNonce.Size)
{
    protected override TpmResult Execute(CommandContext tpm, in DsapRequest request, ref DsapResponse response)
    {
        if (request.EncScheme is not (TpmAdipEncScheme.Xor or TpmAdipEncScheme.Aes128Ctr)) return InappropriateEnc;
        AuthEntity entity = AuthEntity.Owner;
        TpmDelegatePublic pub;
        Secret authValue;
        TpmResult result;
        switch (request.EntityType)
        {
            case TpmEntityType.DelegateOwnerBlob:
                result = OpenOwnerBlob(tpm, request.EntityValue.Span, out pub, out authValue);
                break;
            case TpmEntityType.DelegateRow:
                result = FindRow(tpm, request.EntityValue.Span, out pub, out authValue);
                break;
            case TpmEntityType.DelegateKeyBlob:
                result = OpenKeyBlob(tpm, request, out entity, out pub, out authValue);
                break;
            default:
                return BadParameter;
        }

        return result == Success ? Open(tpm, request, entity, pub, authValue, ref response) : result;
    }

    /// <summary>Action 1.</summary>
    private static TpmResult OpenOwnerBlob(CommandContext tpm, ReadOnlySpan<byte> entityValue, out TpmDelegatePublic pub, out Secret authValue)
    {
        authValue = null!;
        TpmResult result = WireFormat.Read(entityValue, out TpmDelegateOwnerBlob blob);
        pub = blob.Pub;
        if (result != Success) return WrongEntityType;
        return tpm.CheckFamily(pub).Failed(out TpmResult error) ? error : tpm.OpenDelegation(blob, out authValue);
    }

    /// <summary>Action 2.</summary>
    private static TpmResult FindRow(CommandContext tpm, ReadOnlySpan<byte> entityValue, out TpmDelegatePublic pub, out Secret authValue)
    {
        pub = default;
        authValue = null!;
        if (entityValue.Length != sizeof(uint)) return BadIndex;
        if (tpm.Permanent.Delegation.FindRow(BinaryPrimitives.ReadUInt32BigEndian(entityValue)) is not { } row) return BadIndex;
        (pub, authValue) = (row.Pub, row.AuthValue);
        return tpm.CheckFamily(pub);
    }

    /// <summary>Action 3.</summary>
    private static TpmResult OpenKeyBlob(
        CommandContext tpm, in DsapRequest request, out AuthEntity entity, out TpmDelegatePublic pub, out Secret authValue)
    {
        entity = default;
        authValue = null!;
        TpmResult result = WireFormat.Read(request.EntityValue.Span, out TpmDelegateKeyBlob blob);
        pub = blob.Pub;
        if (result != Success) return WrongEntityType;
        if (tpm.CheckFamily(pub).Failed(out TpmResult error)) return error;
        if (tpm.OpenDelegation(blob, out authValue).Failed(out error)) return error;
        if (tpm.FindKey(request.KeyHandle, out LoadedKey key).Failed(out error)) return error;
        entity = key.Entity;
        return WireFormat.Digest(key.Key.PubKey) == blob.PubKeyDigest ? Success : KeyNotFound;
    }

    /// <summary>Actions 5 to 7.</summary>
    private static TpmResult Open(
        CommandContext tpm, in DsapRequest request, AuthEntity entity, TpmDelegatePublic pub, Secret authValue, ref DsapResponse response)
    {
        response.NonceEven = tpm.NewNonce();
        response.NonceEvenDsap = tpm.NewNonce();
        var session = new AuthSession
        {
            Handle = 0,
            Protocol = TpmProtocolId.Dsap,
            NonceEven = response.NonceEven,
            Entity = entity,
            SharedSecret = CommandContext.SharedSecret(authValue, response.NonceEvenDsap, request.NonceOddDsap),
            AdipScheme = request.EncScheme,
            Delegation = pub,
        };
        return tpm.OpenSession(session, out response.AuthHandle);
    }
}
