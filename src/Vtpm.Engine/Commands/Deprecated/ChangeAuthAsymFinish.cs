using System.Security.Cryptography;
using Vtpm.Engine.Commands.AuthorizationChanges;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct ChangeAuthAsymFinishRequest : IWireStructure<ChangeAuthAsymFinishRequest>
{
    public uint ParentHandle;
    public uint EphHandle;
    public ushort EntityType;

    /// <summary>HMAC of the new secret under the old one.</summary>
    public TpmDigest NewAuthLink;

    /// <summary>TPM_CHANGEAUTH_VALIDATE, encrypted for the ephemeral key.</summary>
    public ReadOnlyMemory<byte> EncNewAuth;

    /// <summary>encData of the TPM_KEY or TPM_STORED_DATA.</summary>
    public ReadOnlyMemory<byte> EncData;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthAsymFinishRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.ParentHandle);
        wire.UInt32(ref value.EphHandle);
        wire.UInt16(ref value.EntityType);
        TpmDigest.Describe(ref wire, ref value.NewAuthLink);
        wire.Sized32(ref value.EncNewAuth);
        wire.Sized32(ref value.EncData);
    }
}

public struct ChangeAuthAsymFinishResponse : IWireStructure<ChangeAuthAsymFinishResponse>
{
    public ReadOnlyMemory<byte> OutData;
    public TpmNonce SaltNonce;
    public TpmDigest ChangeProof;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthAsymFinishResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.OutData);
        TpmNonce.Describe(ref wire, ref value.SaltNonce);
        TpmDigest.Describe(ref wire, ref value.ChangeProof);
    }
}

/// <summary>
/// <c>TPM_ChangeAuthAsymFinish</c>, Part 3 §27.4.2: another secret for a wrapped key or a sealed blob, unseen by whoever owns the parent.
/// </summary>
public sealed class ChangeAuthAsymFinish()
    : TpmCommand<ChangeAuthAsymFinishRequest, ChangeAuthAsymFinishResponse>(
        TpmOrdinal.ChangeAuthAsymFinish, Sessions.None | Sessions.One, Availability.Owned, Duration.Medium, inHandles: 2)
{
    protected override TpmResult Execute(CommandContext tpm, in ChangeAuthAsymFinishRequest request, ref ChangeAuthAsymFinishResponse response)
    {
        if (UseParent(tpm, request.ParentHandle, out LoadedKey parent).Failed(out TpmResult error)) return error;
        if (!EncryptedEntity.IsOne(request.EntityType)) return WrongEntityType;
        if (parent.Usage != TpmKeyUsage.Storage) return InvalidKeyUsage;
        if (EncryptedEntity.Open(tpm, parent, request.EntityType, request.EncData, out EncryptedEntity entity).Failed(out error)) return error;
        if (tpm.FindKey(request.EphHandle, out LoadedKey ephemeral).Failed(out error)) return error;
        if (ephemeral.Usage != TpmKeyUsage.AuthChange) return BadParameter;
        if (tpm.Decrypt(ephemeral, request.EncNewAuth, out TpmChangeAuthValidate validate).Failed(out error)) return error;
        Secret newAuth = tpm.Scratch.Keep(new Secret(validate.NewAuthSecret.ReadOnlySpan));
        // Actions 5 and 6: only who knows the present secret can link the new one to it.
        if (tpm.CompareProof(Hmac(entity.Auth.ReadOnlySpan, newAuth.Span), request.NewAuthLink).Failed(out error)) return error;
        if (entity.Close(tpm, parent, newAuth, out response.OutData).Failed(out error)) return error;
        response.SaltNonce = tpm.NewNonce();
        response.ChangeProof = Hmac(newAuth.Span, [.. response.SaltNonce.ReadOnlySpan, .. validate.N1.ReadOnlySpan]);
        tpm.UnloadKey(ephemeral);
        return Success;
    }

    /// <summary>Action 1 and the description: for the SRK, whose secret is often well known, the owner authorizes.</summary>
    private static TpmResult UseParent(CommandContext tpm, uint handle, out LoadedKey parent)
    {
        if (handle != TpmKeyHandle.Srk || tpm.Auths.Count == 0) return tpm.UseKey(handle, out parent);
        if (tpm.FindKey(handle, out parent).Failed(out TpmResult error)) return error;
        if (parent.Binding.Check(tpm.State.Pcrs, tpm.LocalityBit).Failed(out error)) return error;
        return tpm.AuthorizeOwner();
    }

    private static TpmDigest Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> bytes)
    {
        TpmDigest hmac = default;
        HMACSHA1.HashData(key, bytes, hmac.Span);
        return hmac;
    }
}
