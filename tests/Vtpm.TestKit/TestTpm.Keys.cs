using System.Buffers.Binary;
using Vtpm.Engine;
using Vtpm.Engine.Commands.Identity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>Keys under the SRK of an owned TPM.</content>
public sealed partial class TestTpm
{
    /// <summary>TPM_KEY_PARMS of an RSA key; no exponent stands for the default one.</summary>
    public static TpmKeyParms RsaParms(
        int keyLength = 2048, TpmEncScheme enc = TpmEncScheme.None, TpmSigScheme sig = TpmSigScheme.None, ReadOnlySpan<byte> exponent = default)
    {
        byte[] parms = new byte[12 + exponent.Length];
        BinaryPrimitives.WriteInt32BigEndian(parms, keyLength);
        parms[7] = 2;
        parms[11] = (byte)exponent.Length;
        exponent.CopyTo(parms.AsSpan(12));
        return new TpmKeyParms { AlgorithmId = TpmAlgorithmId.Rsa, EncScheme = enc, SigScheme = sig, Parms = parms };
    }

    /// <summary>A key to be made, with the schemes that its usage asks for.</summary>
    public static TpmKey KeyInfo(TpmKeyUsage usage, TpmKeyFlags flags = TpmKeyFlags.None, int keyLength = 2048, uint ver = TpmKey.Version11) => new()
    {
        Ver = ver,
        KeyUsage = usage,
        KeyFlags = flags,
        AuthDataUsage = TpmAuthDataUsage.Always,
        AlgorithmParms = usage switch
        {
            TpmKeyUsage.Signing or TpmKeyUsage.Identity => RsaParms(keyLength, sig: TpmSigScheme.RsaSsaPkcs1V15Sha1),
            TpmKeyUsage.Legacy => RsaParms(keyLength, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.RsaSsaPkcs1V15Sha1),
            _ => RsaParms(keyLength, TpmEncScheme.RsaesOaepSha1Mgf1),
        },
    };

    /// <summary>TPM_CreateWrapKey. Secrets are <see cref="WellKnown"/> unless given.</summary>
    public TpmKey CreateWrapKey(TpmKey keyInfo, byte[]? usageAuth = null, byte[]? migrationAuth = null, uint parent = TpmKeyHandle.Srk, byte[]? parentAuth = null)
    {
        TestAuth osap = Osap(TpmEntityType.KeyHandle, parent, parentAuth ?? WellKnown);
        var request = new CreateWrapKeyRequest
        {
            ParentHandle = parent,
            DataUsageAuth = EncryptAuth(osap, usageAuth ?? WellKnown),
            DataMigrationAuth = EncryptAuth(osap, migrationAuth ?? WellKnown, odd: true),
            KeyInfo = keyInfo,
        };
        return Send(new CreateWrapKey(), request, osap).WrappedKey;
    }

    /// <summary>TPM_LoadKey2.</summary>
    public uint LoadKey2(TpmKey key, uint parent = TpmKeyHandle.Srk, byte[]? parentAuth = null) =>
        Send(new LoadKey2(), new LoadKey2Request { ParentHandle = parent, InKey = key }, Oiap(parentAuth ?? WellKnown)).InKeyHandle;

    /// <summary>Makes and loads a key.</summary>
    public uint NewKey(TpmKey keyInfo, byte[]? usageAuth = null, uint parent = TpmKeyHandle.Srk) =>
        LoadKey2(CreateWrapKey(keyInfo, usageAuth, parent: parent), parent);

    /// <summary>TPM_MakeIdentity.</summary>
    public MakeIdentityResponse MakeIdentity(TpmKey? idKeyParams = null, byte[]? identityAuth = null, TpmDigest label = default)
    {
        TestAuth osap = Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, OwnerAuth);
        var request = new MakeIdentityRequest
        {
            IdentityAuth = EncryptAuth(osap, identityAuth ?? WellKnown),
            LabelPrivCADigest = label,
            IdKeyParams = idKeyParams ?? KeyInfo(TpmKeyUsage.Identity),
        };
        return Send(new MakeIdentity(), request, Oiap(WellKnown), osap);
    }

    public delegate void KeyChange(ref TpmKey key);

    /// <summary>Makes a loaded key one that no command could have brought into its slot.</summary>
    public void AlterKey(uint handle, KeyChange change)
    {
        LoadedKey key = State.Keys.Find(handle)!;
        TpmKey altered = key.Key;
        change(ref altered);
        State = State with { Keys = State.Keys.Replace(key with { Key = altered }) };
    }

    /// <summary>Sets flags as the commands of other chapters do.</summary>
    public void SetPermanentFlags(Func<TpmPermanentFlags, TpmPermanentFlags> change) =>
        State = State with { Permanent = State.Permanent with { Flags = change(State.Permanent.Flags) } };
}
