using System.Security.Cryptography;
using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Keys, and what they sign and open.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> KeyScenes() =>
    [
        (14, LoadOutsideKey), (5, LoadOwnKey), (1, CreateKey), (5, GetPubKey), (6, SignBytes), (6, UnBindBytes), (5, CertifyAnyKey), (1, MakeIdentity),
        (2, ActivateIdentity),
    ];

    private void LoadOutsideKey()
    {
        if (_world.Keys.Count > 15) FlushKey();
        OutsideKey info = AnyOutsideKey();
        int parent = Chance(85) ? SideMemory.Srk : AnyKey(), number = _world.NewNumber();
        SessionUse? auth = Chance(95) ? KeyAuth(parent, SecretOf(parent)) : null;
        Emit(Keys.LoadOutside(info, parent, number, auth), () => _world.Keys.Add(new WorldKey(number, info)));
    }

    private OutsideKey AnyOutsideKey()
    {
        TpmKeyUsage usage = Pick(TpmKeyUsage.Signing, TpmKeyUsage.Signing, TpmKeyUsage.Storage, TpmKeyUsage.Storage, TpmKeyUsage.Bind, TpmKeyUsage.Legacy);
        if (Chance(4)) usage = Pick(TpmKeyUsage.Identity, TpmKeyUsage.AuthChange, TpmKeyUsage.Migrate, TpmKeyUsage.None);
        var key = new OutsideKey
        {
            Usage = usage,
            UsageAuth = Pick(Secrets.Key, Secrets.Key, Secrets.WellKnown),
            Pair = _random.Next(8),
            Bits = usage != TpmKeyUsage.Storage && Chance(30) ? 1024 : 2048,
            AuthDataUsage = Chance(80) ? TpmAuthDataUsage.Always : Pick(TpmAuthDataUsage.Never, TpmAuthDataUsage.PrivUseOnly, (TpmAuthDataUsage)0x12),
            IsKey12 = Chance(30),
        };
        if (Chance(10))
        {
            TpmKeyFlags flag = Pick(TpmKeyFlags.Redirection, TpmKeyFlags.IsVolatile, TpmKeyFlags.PcrIgnoredOnRead, TpmKeyFlags.MigrateAuthority);
            key = key with { Flags = key.Flags | flag };
        }

        if (Chance(20)) key = key with { PcrInfo = PcrInfo(key.IsKey12) };
        if (usage == TpmKeyUsage.Signing && Chance(25))
            key = key with { SigScheme = Pick(TpmSigScheme.RsaSsaPkcs1V15Der, TpmSigScheme.RsaSsaPkcs1V15Info, TpmSigScheme.None) };
        if (usage == TpmKeyUsage.Bind && Chance(25)) key = key with { EncScheme = TpmEncScheme.RsaesPkcsV15 };
        if (Chance(3)) key = key with { EncScheme = Pick(TpmEncScheme.None, TpmEncScheme.RsaesPkcsV15, TpmEncScheme.SymCtr) };
        if (Chance(2)) key = key with { HasWrongDigest = true };
        if (Chance(2)) key = key with { Payload = Pick(TpmPayloadType.Bind, TpmPayloadType.Seal, TpmPayloadType.Migrate, TpmPayloadType.MigrateRestricted) };
        if (Chance(2)) key = key with { Flags = TpmKeyFlags.None };
        return key;
    }

    /// <summary>TPM_PCR_INFO or TPM_PCR_INFO_LONG: PCRs that have the right values, mostly.</summary>
    private byte[] PcrInfo(bool isLong)
    {
        byte[] select = Select(), creation = Select();
        byte[] digest = Chance(85) ? _world.CompositeHash(select) : Bytes(20);
        if (select.All(bits => bits == 0) && Chance(50)) digest = new byte[20];
        int locality = Chance(85) ? 0x1F : _random.Next(0x20);
        return isLong
            ? [0, 6, (byte)(1 << _world.Locality), (byte)locality, 0, 3, .. creation, 0, 3, .. select, .. new byte[20], .. digest]
            : [0, 3, .. select, .. digest, .. new byte[20]];
    }

    /// <summary>One of the keys that each TPM has made for itself.</summary>
    private void LoadOwnKey()
    {
        if (_world.Keys.Count > 15) FlushKey();
        TpmKeyUsage usage = Pick(TpmKeyUsage.Storage, TpmKeyUsage.Storage, TpmKeyUsage.Signing, TpmKeyUsage.Identity);
        int blob = usage switch
        {
            TpmKeyUsage.Storage => Laboratory.StorageBlob,
            TpmKeyUsage.Signing => Laboratory.SigningBlob,
            _ => Laboratory.IdentityBlob,
        };
        var info = new OutsideKey { Usage = usage, UsageAuth = Secrets.Key, Flags = TpmKeyFlags.None };
        if (_world.WrappedKeys.Count > 0 && Chance(40))
        {
            WorldBlob wrapped = Pick(_world.WrappedKeys);
            (blob, info) = (wrapped.Number, wrapped.Key!);
        }

        int number = _world.NewNumber();
        Emit(Keys.LoadBlob(blob, SideMemory.Srk, number, KeyAuth(SideMemory.Srk, _world.SrkAuth)), () => _world.Keys.Add(new WorldKey(number, info)));
    }

    private void CreateKey()
    {
        OutsideKey info = AnyOutsideKey() with { Bits = Chance(70) ? 512 : 1024 };
        if (Chance(70)) info = info with { Flags = TpmKeyFlags.None };
        // swtpm makes each key anew: short ones keep it fast, long ones are what storage keys must be.
        if (info.Usage == TpmKeyUsage.Storage && Chance(50)) info = info with { Bits = 2048 };
        int parent = Chance(90) ? SideMemory.Srk : AnyKey(), blob = _world.NewNumber();
        Emit(
            Keys.Create(info, parent, blob, OsapKey(parent, SecretOf(parent))),
            () => _world.WrappedKeys.Add(new WorldBlob(blob, parent, info.UsageAuth, info)));
    }

    private void GetPubKey()
    {
        int key = AnyKey();
        Emit(Keys.GetPubKey(key, Chance(80) ? KeyAuth(key, SecretOf(key)) : null));
    }

    /// <summary>A key of a usage, mostly.</summary>
    private int KeyFor(params TpmKeyUsage[] usages)
    {
        WorldKey[] fit = [.. _world.Keys.Where(key => usages.Contains(key.Info.Usage))];
        return fit.Length > 0 && Chance(90) ? Pick(fit).Number : AnyKey();
    }

    private SessionUse? MaybeAuth(int key)
    {
        bool needsNone = _world.Keys.Find(loaded => loaded.Number == key)?.Info.AuthDataUsage == TpmAuthDataUsage.Never;
        return Chance(needsNone ? 50 : 95) ? KeyAuth(key, SecretOf(key)) : null;
    }

    private void SignBytes()
    {
        int key = KeyFor(TpmKeyUsage.Signing, TpmKeyUsage.Legacy);
        byte[] area = Bytes(Chance(70) ? 20 : _random.Next(280));
        Emit(SignWith(key, area, MaybeAuth(key)));
    }

    /// <summary>What is signed as TPM_SIGN_INFO has the nonce of the session in it.</summary>
    private CommandStep SignWith(int key, byte[] area, SessionUse? auth) =>
        _world.Keys.Find(loaded => loaded.Number == key)?.Info.SigScheme == TpmSigScheme.RsaSsaPkcs1V15Info
            ? Keys.SignInfo(key, area, auth)
            : Keys.Sign(key, area, auth);

    private void UnBindBytes()
    {
        int key = KeyFor(TpmKeyUsage.Bind, TpmKeyUsage.Legacy);
        OutsideKey? info = _world.Keys.Find(loaded => loaded.Number == key)?.Info;
        byte[] data = Bytes(1 + _random.Next(60));
        bool isPkcs1 = info?.EncScheme == TpmEncScheme.RsaesPkcsV15 || info is { Usage: TpmKeyUsage.Legacy, EncScheme: null };
        byte[] plain = isPkcs1 && Chance(50) ? data : [1, 1, 0, 0, (byte)Pick(TpmPayloadType.Bind, TpmPayloadType.Bind, TpmPayloadType.Seal), .. data];
        Emit(Keys.UnBind(key, plain, MaybeAuth(key), isPkcs1 ^ Chance(5)));
    }

    private void CertifyAnyKey()
    {
        int certKey = KeyFor(TpmKeyUsage.Signing, TpmKeyUsage.Legacy, TpmKeyUsage.Identity), key = AnyKey();
        (SessionUse certAuth, SessionUse keyAuth) = TwoOiaps(SecretOf(certKey), SecretOf(key));
        SessionUse[] auths = Chance(90) ? [certAuth, keyAuth] : [keyAuth];
        Emit(Keys.Certify(Pick(TpmOrdinal.CertifyKey, TpmOrdinal.CertifyKey2), certKey, key, Bytes(20), auths));
    }

    private void MakeIdentity()
    {
        int blob = _world.NewNumber();
        SessionUse srk = Oiap(_world.SrkAuth), owner = OsapOwner();
        var info = new OutsideKey { Usage = TpmKeyUsage.Identity, UsageAuth = Secrets.Key, Flags = TpmKeyFlags.None };
        Emit(Identity.Make(Secrets.Key, blob, srk, owner), () => _world.WrappedKeys.Add(new WorldBlob(blob, SideMemory.Srk, Secrets.Key, info)));
    }

    private void ActivateIdentity()
    {
        int key = KeyFor(TpmKeyUsage.Identity);
        (SessionUse keyAuth, SessionUse owner) = TwoOiaps(SecretOf(key), _world.OwnerAuth);
        Emit(Identity.Activate(key, Chance(85) ? key : AnyKey(), keyAuth, owner));
    }
}
