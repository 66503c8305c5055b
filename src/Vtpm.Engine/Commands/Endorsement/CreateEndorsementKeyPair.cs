using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Endorsement;

public struct CreateEndorsementKeyPairRequest : IWireStructure<CreateEndorsementKeyPairRequest>
{
    public TpmNonce AntiReplay;
    public TpmKeyParms KeyInfo;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateEndorsementKeyPairRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
        wire.Structure(ref value.KeyInfo);
    }
}

/// <summary>The public endorsement key, and proof that it is fresh; also what TPM_ReadPubek answers.</summary>
public struct PubekResponse : IWireStructure<PubekResponse>
{
    public TpmPubKey PubEndorsementKey;

    /// <summary>SHA-1(pubEndorsementKey || antiReplay).</summary>
    public TpmDigest Checksum;

    public static PubekResponse Of(LoadedKey endorsementKey, in TpmNonce antiReplay)
    {
        TpmPubKey pubek = endorsementKey.Key.ToPubKey();
        return new PubekResponse { PubEndorsementKey = pubek, Checksum = TpmDigest.Of([.. WireFormat.ToBytes(pubek), .. antiReplay.ReadOnlySpan]) };
    }

    public static void Describe<TCodec>(ref TCodec wire, ref PubekResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PubEndorsementKey);
        TpmDigest.Describe(ref wire, ref value.Checksum);
    }
}

/// <summary><c>TPM_CreateEndorsementKeyPair</c>, Part 3 §14.1: makes the endorsement key, once.</summary>
public sealed class CreateEndorsementKeyPair()
    : TpmCommand<CreateEndorsementKeyPairRequest, PubekResponse>(
        TpmOrdinal.CreateEndorsementKeyPair, Sessions.None, Availability.NoOwner, Duration.Long)
{
    protected override TpmResult Execute(CommandContext tpm, in CreateEndorsementKeyPairRequest request, ref PubekResponse response)
    {
        if (Create(tpm, request.KeyInfo).Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { EnableRevokeEK = false };
        response = PubekResponse.Of(tpm.PermanentData.EndorsementKey!, request.AntiReplay);
        return Success;
    }

    /// <summary>The actions that TPM_CreateRevocableEK shares.</summary>
    internal static TpmResult Create(CommandContext tpm, in TpmKeyParms keyInfo)
    {
        if (tpm.PermanentData.EndorsementKey is not null) return DisabledCmd;
        if (KeyParameters.ReadRsa(keyInfo, out TpmRsaKeyParms rsa).Failed(out TpmResult error)) return error;
        // Action 2c: the schemes are ignored. An exponent is not, and generated keys have the default one.
        if (rsa.KeyLength < 2048 || KeyParameters.ExponentOf(keyInfo) != KeyParameters.DefaultExponent) return BadKeyProperty;
        tpm.PermanentData = tpm.WithNewDaaSecrets(tpm.PermanentData with { EndorsementKey = Generate(tpm, rsa.KeyLength) });
        tpm.PermanentFlags = tpm.PermanentFlags with { CekpUsed = true };
        tpm.State = tpm.State with { IsEndorsementKeyFresh = true };
        return Success;
    }

    private static LoadedKey Generate(CommandContext tpm, uint keyLength)
    {
        var key = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = TpmKeyUsage.Storage,
            AuthDataUsage = TpmAuthDataUsage.Always,
            AlgorithmParms = KeyParameters.Rsa(keyLength, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None),
        };
        TpmRsaKeyPair pair = tpm.GenerateKey(ref key);
        return new LoadedKey
        {
            Handle = TpmKeyHandle.EK,
            Key = key,
            // Nobody is told: the owner authorizes what is done with the endorsement key.
            UsageAuth = tpm.NewSecret(),
            MigrationAuth = tpm.PermanentData.TpmProof,
            Payload = TpmPayloadType.Asym,
            Prime = pair.Prime,
            Rsa = pair.Key,
            PubDataDigest = key.PubDataDigest(),
        };
    }
}
