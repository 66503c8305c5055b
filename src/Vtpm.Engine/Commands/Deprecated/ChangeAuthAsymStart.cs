using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct ChangeAuthAsymStartRequest : IWireStructure<ChangeAuthAsymStartRequest>
{
    public uint IdHandle;
    public TpmNonce AntiReplay;
    public TpmKeyParms TempKey;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthAsymStartRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.IdHandle);
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
        wire.Structure(ref value.TempKey);
    }
}

public struct ChangeAuthAsymStartResponse : IWireStructure<ChangeAuthAsymStartResponse>
{
    public TpmCertifyInfo CertifyInfo;

    /// <summary>The signature of <see cref="CertifyInfo"/>.</summary>
    public ReadOnlyMemory<byte> Sig;

    /// <summary>Covered by the response's HMAC, unlike the handles of other commands: it comes behind parameters.</summary>
    public uint EphHandle;
    public TpmKey TempKey;

    public static void Describe<TCodec>(ref TCodec wire, ref ChangeAuthAsymStartResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.CertifyInfo);
        wire.Sized32(ref value.Sig);
        wire.UInt32(ref value.EphHandle);
        wire.Structure(ref value.TempKey);
    }
}

/// <summary>
/// <c>TPM_ChangeAuthAsymStart</c>, Part 3 §27.4.1: makes an ephemeral key, for which an identity vouches, so that a new secret can come in that the
/// owner of the parent does not see.
/// </summary>
public sealed class ChangeAuthAsymStart()
    : TpmCommand<ChangeAuthAsymStartRequest, ChangeAuthAsymStartResponse>(
        TpmOrdinal.ChangeAuthAsymStart, Sessions.None | Sessions.One, Availability.Owned, Duration.Long, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in ChangeAuthAsymStartRequest request, ref ChangeAuthAsymStartResponse response)
    {
        if (tpm.UseKey(request.IdHandle, out LoadedKey identity).Failed(out TpmResult error)) return error;
        if (identity.Usage != TpmKeyUsage.Identity) return InvalidKeyUsage;
        // "Field descriptions for certifyInfo parameter".
        var tempKey = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = TpmKeyUsage.AuthChange,
            KeyFlags = TpmKeyFlags.IsVolatile,
            AuthDataUsage = TpmAuthDataUsage.Never,
            AlgorithmParms = request.TempKey,
        };
        if (Check(tpm, tempKey).Failed(out error)) return error;
        LoadedKey ephemeral = Generate(tpm, tempKey);
        if (tpm.LoadKey(ephemeral, out response.EphHandle).Failed(out error)) return error;
        response.TempKey = ephemeral.Key;
        response.CertifyInfo = CertifyKey.Info(ephemeral, request.AntiReplay);
        return CommandContext.SignStructure(identity, response.CertifyInfo, out response.Sig);
    }

    /// <summary>Actions 2 to 6, and that there is a slot: the key is not made for nothing.</summary>
    private static TpmResult Check(CommandContext tpm, in TpmKey tempKey)
    {
        if (KeyRules.Check(tempKey).Failed(out TpmResult error) || KeyRules.CheckFips(tpm.PermanentFlags, tempKey).Failed(out error)) return error;
        if (KeyParameters.ExponentOf(tempKey.AlgorithmParms) != KeyParameters.DefaultExponent) return BadKeyProperty;
        return tpm.State.Keys.Count < tpm.Platform.Profile.KeySlots ? Success : NoSpace;
    }

    /// <summary>Actions 7 and 8. The key has no parent: its encData is empty, and its secrets are nobody's.</summary>
    private static LoadedKey Generate(CommandContext tpm, TpmKey tempKey)
    {
        TpmRsaKeyPair pair = tpm.GenerateKey(ref tempKey);
        var none = new Secret(stackalloc byte[TpmAuthData.Size]);
        return new LoadedKey
        {
            Handle = 0,
            Key = tempKey,
            UsageAuth = none,
            MigrationAuth = none,
            Payload = TpmPayloadType.Asym,
            Prime = pair.Prime,
            Rsa = pair.Key,
            PubDataDigest = tempKey.PubDataDigest(),
        };
    }
}
