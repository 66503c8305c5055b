using System.Security.Cryptography;
using Vtpm.Engine;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Keys that were made outside and wrapped for the storage root key, as a migration would bring them.</content>
public sealed partial class TestTpm
{
    /// <summary>Keys that clients make are others than the first ones of the TPM, and take none of those away from it.</summary>
    private readonly FixedRsa _outside = new(first: 6);

    /// <summary>What <see cref="LoadWrapped"/> gives a key, unless told otherwise.</summary>
    public static byte[] KeyAuth { get; } = SHA1.HashData("key"u8);

    /// <summary>Wraps a key for the SRK and loads it; the secret of the SRK must be <see cref="WellKnown"/>.</summary>
    /// <returns>The handle.</returns>
    public uint LoadWrapped(TpmKeyUsage usage, byte[]? auth = null, TpmKeyFlags flags = TpmKeyFlags.Migratable, ReadOnlyMemory<byte> pcrInfo = default) =>
        Send(
            new LoadKey2(),
            new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = Wrap(usage, auth ?? KeyAuth, flags, pcrInfo) },
            Oiap(WellKnown)).InKeyHandle;

    /// <summary>A key pair of the list, as TPM_KEY whose private half is encrypted for the SRK.</summary>
    public TpmKey Wrap(TpmKeyUsage usage, byte[] auth, TpmKeyFlags flags = TpmKeyFlags.Migratable, ReadOnlyMemory<byte> pcrInfo = default)
    {
        TpmRsaKeyPair pair = _outside.Generate(2048);
        bool encrypts = usage is TpmKeyUsage.Storage or TpmKeyUsage.Bind or TpmKeyUsage.Legacy;
        bool signs = usage is TpmKeyUsage.Signing or TpmKeyUsage.Identity or TpmKeyUsage.Legacy;
        var key = new TpmKey
        {
            Ver = TpmKey.Version11,
            KeyUsage = usage,
            KeyFlags = flags,
            AuthDataUsage = TpmAuthDataUsage.Always,
            AlgorithmParms = StorageParms with
            {
                EncScheme = encrypts ? TpmEncScheme.RsaesOaepSha1Mgf1 : TpmEncScheme.None,
                SigScheme = signs ? TpmSigScheme.RsaSsaPkcs1V15Sha1 : TpmSigScheme.None,
            },
            PcrInfo = pcrInfo,
            PubKey = new TpmStorePubKey { Key = pair.Modulus },
        };
        bool isMigratable = flags.HasFlag(TpmKeyFlags.Migratable);
        var asymKey = new TpmStoreAsymKey
        {
            Payload = TpmPayloadType.Asym,
            UsageAuth = new TpmAuthData(auth),
            MigrationAuth = isMigratable ? new TpmAuthData(auth) : new TpmAuthData(State.Permanent.Data.TpmProof.Span),
            PubDataDigest = key.PubDataDigest(),
            PrivKey = pair.Prime.Span.ToArray(),
        };
        key.EncData = EncryptOaep(State.Permanent.Data.Srk!.Key.ToPubKey(), WireFormat.ToBytes(asymKey));
        return key;
    }
}
