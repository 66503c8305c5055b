using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Keys as blobs: making, wrapping and unwrapping them (Part 2 §10, Part 3 §10.4 and §10.5).</content>
public sealed partial class CommandContext
{
    /// <summary>Generates the key pair that <paramref name="key"/> asks for and puts its public half there.</summary>
    public TpmRsaKeyPair GenerateKey(ref TpmKey key)
    {
        KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms rsa);
        TpmRsaKeyPair pair = Platform.Rsa.Generate((int)rsa.KeyLength);
        Scratch.Keep(pair.Prime);
        key.PubKey = new TpmStorePubKey { Key = pair.Modulus };
        return pair;
    }

    /// <summary>Fills digestAtCreation, and localityAtCreation, of a new key's PCR information from the registers as they are now.</summary>
    public TpmResult StampPcrInfo(ref TpmKey key)
    {
        if (key.PcrInfo.IsEmpty) return TpmResult.Success;
        if (PcrBinding.Read(key.PcrInfo, key.IsKey12, out _).Failed(out TpmResult error)) return error;
        key.PcrInfo = key.IsKey12 ? StampedLong(key.PcrInfo) : Stamped(key.PcrInfo);
        return TpmResult.Success;
    }

    /// <summary>TPM_PCR_INFO with digestAtCreation as of now. The bytes are valid: <see cref="PcrBinding.Read"/> has said so.</summary>
    public ReadOnlyMemory<byte> Stamped(ReadOnlyMemory<byte> pcrInfo)
    {
        _ = WireFormat.Read(pcrInfo.Span, out TpmPcrInfo info);
        info.DigestAtCreation = State.Pcrs.CompositeHash(info.PcrSelection);
        return WireFormat.ToBytes(info);
    }

    /// <summary>TPM_PCR_INFO_LONG with digestAtCreation and localityAtCreation as of now. The bytes are valid: <see cref="PcrBinding.Read"/> has said so.</summary>
    public ReadOnlyMemory<byte> StampedLong(ReadOnlyMemory<byte> pcrInfo)
    {
        _ = WireFormat.Read(pcrInfo.Span, out TpmPcrInfoLong info);
        info.DigestAtCreation = State.Pcrs.CompositeHash(info.CreationPcrSelection);
        info.LocalityAtCreation = LocalityBit;
        return WireFormat.ToBytes(info);
    }

    /// <summary>Encrypts the secret half of a new key with its parent: TPM_KEY.encData.</summary>
    public TpmResult WrapKey(
        LoadedKey parent, ref TpmKey key, Secret prime, Secret usageAuth, Secret migrationAuth, TpmPayloadType payload = TpmPayloadType.Asym)
    {
        var asymKey = new TpmStoreAsymKey
        {
            Payload = payload,
            UsageAuth = new TpmAuthData(usageAuth.Span),
            MigrationAuth = new TpmAuthData(migrationAuth.Span),
            PubDataDigest = key.PubDataDigest(),
            PrivKey = CopyToScratch(prime.Span),
        };
        return Encrypt(parent, asymKey, out key.EncData);
    }

    /// <summary>Decrypts and checks a wrapped key: Part 3 §10.5 actions 5 to 8, without the rules of its usage.</summary>
    /// <returns>TPM_DECRYPT_ERROR when the blob is not of this parent or was changed; TPM_BAD_KEY_PROPERTY when its halves do not fit.</returns>
    public TpmResult UnwrapKey(LoadedKey parent, in TpmKey key, out LoadedKey loaded)
    {
        loaded = null!;
        if (Decrypt(parent, key.EncData, out TpmStoreAsymKey asymKey).Failed(out TpmResult error)) return error;
        if (asymKey.Payload is not (TpmPayloadType.Asym or TpmPayloadType.MigrateRestricted or TpmPayloadType.MigrateExternal)) return TpmResult.DecryptError;
        if (JoinKey(key, asymKey, out ITpmRsaPrivateKey rsa).Failed(out error)) return error;
        if (PcrBinding.Read(key.PcrInfo, key.IsKey12, out PcrBinding binding).Failed(out error)) return error;
        loaded = new LoadedKey
        {
            Handle = 0,
            Key = key,
            UsageAuth = new Secret(asymKey.UsageAuth.ReadOnlySpan),
            MigrationAuth = new Secret(asymKey.MigrationAuth.ReadOnlySpan),
            Payload = asymKey.Payload,
            Prime = new Secret(asymKey.PrivKey.Span),
            Rsa = rsa,
            PubDataDigest = asymKey.PubDataDigest,
            Binding = binding,
            ParentPcrStatus = parent.ParentPcrStatus || parent.Binding.UsesPcrs,
        };
        return TpmResult.Success;
    }

    /// <summary>Puts the halves of a key together, when they are those of one key: Part 3 §10.5 actions 6 and 7a, §11.10 action 14.</summary>
    /// <returns>TPM_DECRYPT_ERROR when the public part is another than was wrapped; TPM_BAD_KEY_PROPERTY when the numbers do not fit.</returns>
    public TpmResult JoinKey(in TpmKey key, in TpmStoreAsymKey asymKey, out ITpmRsaPrivateKey rsa)
    {
        rsa = null!;
        if (KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms parms).Failed(out TpmResult error)) return error;
        if (!KeyParameters.FillsLength(key.PubKey, parms)) return TpmResult.BadKeyProperty;
        if (!asymKey.PubDataDigest.FixedTimeEquals(key.PubDataDigest())) return TpmResult.DecryptError;
        rsa = Platform.Rsa.Import(key.PubKey.Key.Span, KeyParameters.ExponentOf(key.AlgorithmParms), asymKey.PrivKey.Span)!;
        return rsa is null ? TpmResult.BadKeyProperty : TpmResult.Success;
    }

    /// <summary>Compares with tpmProof, in constant time: true for what this TPM has made itself.</summary>
    public bool IsTpmProof(ReadOnlySpan<byte> candidate) => CryptographicOperations.FixedTimeEquals(candidate, PermanentData.TpmProof.Span);

    /// <summary>HMAC under tpmProof: the integrity digest of what this TPM keeps outside.</summary>
    public TpmDigest ProofHmac(ReadOnlySpan<byte> bytes)
    {
        TpmDigest hmac = default;
        HMACSHA1.HashData(PermanentData.TpmProof.Span, bytes, hmac.Span);
        return hmac;
    }

    /// <summary>A copy of a secret that is zeroed with the command.</summary>
    internal byte[] CopyToScratch(ReadOnlySpan<byte> secret)
    {
        byte[] copy = Scratch.Allocate(secret.Length);
        secret.CopyTo(copy);
        return copy;
    }
}
