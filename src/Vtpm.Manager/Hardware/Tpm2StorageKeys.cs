using Vtpm.Client;

namespace Vtpm.Manager;

/// <summary>
/// The storage key of a TPM 2.0 that the manager seals under: the one that srk_handle= names, or the storage root key where it usually is, or a
/// primary key of the owner's hierarchy, which can be made again at every start.
/// </summary>
internal sealed class Tpm2StorageKeys(uint? srkHandle, Tpm2AuthValue owner, Tpm2AuthValue srk, ManagerLog log)
{
    private const int SmallestRsa = 2048;

    private const TpmaObject Needed =
        TpmaObject.FixedTpm | TpmaObject.FixedParent | TpmaObject.Restricted | TpmaObject.Decrypt | TpmaObject.UserWithAuth;

    private Tpm2Key? _key;

    /// <summary>The loaded key that must not be flushed; 0 when there is none.</summary>
    public uint Loaded => _key is { } key && TpmRh.IsTransient(key.Entity.Handle) ? key.Entity.Handle : 0;

    /// <summary>The key may be gone: look again.</summary>
    public void Forget() => _key = null;

    /// <summary>The key that is sealed under.</summary>
    /// <exception cref="ManagerException">There is none; the message says what to do.</exception>
    public Tpm2Key Get(Tpm2Client tpm) => _key ??= srkHandle is { } handle ? Named(tpm, handle) : Usual(tpm) ?? CreateUsual(tpm);

    /// <summary>
    /// Works with the key that something was sealed under. A storage root key that others have made since, or have taken away, does not lock the
    /// manager out: the primary keys that it could have sealed under are made again.
    /// </summary>
    /// <returns>The default value when this TPM has no such key.</returns>
    public T? With<T>(Tpm2Client tpm, ulong fingerprint, Func<Tpm2Key, T> use)
        where T : class
    {
        Tpm2Key key = Get(tpm);
        if (Tpm2SealedData.Fingerprint(key) == fingerprint) return use(key);
        if (srkHandle is not null) return null;
        foreach (TpmtPublic template in (TpmtPublic[])[TpmtPublic.EccStorageKey, TpmtPublic.RsaStorageKey])
        {
            if (template.Type == TpmAlgId.Ecc && !HasEcc(tpm)) continue;
            Tpm2Key primary = CreatePrimary(tpm, template);
            try
            {
                if (Tpm2SealedData.Fingerprint(primary) == fingerprint) return use(primary);
            }
            finally
            {
                tpm.FlushQuietly(primary.Entity.Handle);
            }
        }

        return null;
    }

    private static bool HasEcc(Tpm2Client tpm) => tpm.Has(TpmAlgId.Ecc) && tpm.Has(TpmEccCurve.NistP256);

    /// <summary>Whether data can be sealed under the key so that no other TPM gets at them.</summary>
    private static bool IsSuitable(in TpmtPublic key) =>
        (key.ObjectAttributes & Needed) == Needed
        && !key.ObjectAttributes.HasFlag(TpmaObject.Sign)
        && key.NameAlg is TpmAlgId.Sha256 or TpmAlgId.Sha384 or TpmAlgId.Sha512
        && key.Symmetric is { Algorithm: TpmAlgId.Aes, KeyBits: >= 128, Mode: TpmAlgId.Cfb }
        && (key is { Type: TpmAlgId.Rsa, KeyBits: >= SmallestRsa }
            || key is { Type: TpmAlgId.Ecc, CurveId: TpmEccCurve.NistP256 or TpmEccCurve.NistP384 or TpmEccCurve.NistP521 });

    private static Tpm2Key? Read(Tpm2Client tpm, uint handle) => tpm.ReadPublic(handle) is { } key && IsSuitable(key.Public) ? key : null;

    private Tpm2Key Named(Tpm2Client tpm, uint handle)
    {
        if (!tpm.IsDefined(handle))
            throw new ManagerException(
                $"srk_handle=0x{handle:x8}: the hardware TPM has nothing there; make a storage key persistent there, or leave srk_handle= out");
        Tpm2Key key = Read(tpm, handle) ?? throw new ManagerException(
            $"srk_handle=0x{handle:x8}: what is there is no storage key of this TPM alone (a restricted decryption key, RSA of 2048 bits or more or ECC, with "
            + "fixedTPM, fixedParent and userWithAuth); name another one, or leave srk_handle= out");
        log.TpmInfo($"seals under the storage key 0x{handle:x8} (TPM_ALG_{key.Public.Type})");
        return key;
    }

    private Tpm2Key? Usual(Tpm2Client tpm)
    {
        if (!tpm.IsDefined(TpmRh.StorageRootKey) || Read(tpm, TpmRh.StorageRootKey) is not { } key) return null;
        log.TpmInfo($"seals under the storage root key 0x{TpmRh.StorageRootKey:x8} (TPM_ALG_{key.Public.Type})");
        return key;
    }

    private Tpm2Key CreateUsual(Tpm2Client tpm)
    {
        bool isOccupied = tpm.IsDefined(TpmRh.StorageRootKey);
        if (isOccupied) log.TpmWarn($"what is at 0x{TpmRh.StorageRootKey:x8} is no storage key that can be sealed under, and stays");
        Tpm2Key key = CreatePrimary(tpm, HasEcc(tpm) ? TpmtPublic.EccStorageKey : TpmtPublic.RsaStorageKey);
        // Who has given the owner a secret should be asked for it once, and not by whoever needs the key.
        if (!isOccupied && !owner.IsEmpty) return Persist(tpm, key);
        log.TpmInfo($"seals under a primary key of the owner's hierarchy (TPM_ALG_{key.Public.Type}), made at every start");
        return key;
    }

    private Tpm2Key CreatePrimary(Tpm2Client tpm, TpmtPublic template)
    {
        try
        {
            using Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, saltKey: null);
            return tpm.CreatePrimary(template, session, owner, srk);
        }
        catch (Tpm2CommandException e) when (e.IsWrongAuth)
        {
            throw new ManagerException(
                "owner_auth= is not the authorization of this TPM's storage hierarchy: give that one, or name with srk_handle= a storage key that is there", e);
        }
        catch (Tpm2CommandException e) when (e.Result == TpmRc.Hierarchy)
        {
            throw new ManagerException("the hardware TPM's storage hierarchy is disabled: enable it in the firmware's set-up", e);
        }
    }

    private Tpm2Key Persist(Tpm2Client tpm, Tpm2Key key)
    {
        try
        {
            using (Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, key))
                tpm.EvictControl(session, owner, key.Entity, TpmRh.StorageRootKey);
        }
        catch (Tpm2CommandException e) when (e.Result is TpmRc.NvSpace or TpmRc.NvDefined or TpmRc.Range)
        {
            log.TpmWarn($"the storage root key is made at every start, since it cannot stay in the TPM: {e.Message}");
            return key;
        }

        tpm.FlushQuietly(key.Entity.Handle);
        log.TpmInfo($"made the storage root key 0x{TpmRh.StorageRootKey:x8} (TPM_ALG_{key.Public.Type}), which stays there");
        return key with { Entity = key.Entity with { Handle = TpmRh.StorageRootKey } };
    }
}
