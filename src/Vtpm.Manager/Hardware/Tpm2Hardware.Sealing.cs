using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What opens the manager's image.</content>
internal sealed partial class Tpm2Hardware
{
    private readonly List<string> _unsealFaults = [];

    public string[] TakeUnsealFaults()
    {
        string[] faults = [.. _unsealFaults.Distinct()];
        _unsealFaults.Clear();
        return faults;
    }

    public TpmDigest ReadComposite(uint mask) => Use(tpm => Composite(tpm, _bank, mask));

    byte[]? IManagerSealer.Unseal(SealEntry entry)
    {
        if (!Tpm2SealedData.TryRead(entry, out Tpm2SealedData data))
        {
            return Refuse(Tpm2SealedData.IsIn(entry)
                ? "what the TPM 2.0 has sealed is damaged"
                : "it was sealed by a TPM 1.2, and the hardware is a TPM 2.0: keys do not go from one to the other");
        }

        if ((_banks.GetValueOrDefault(data.Bank) & entry.PcrMask) != entry.PcrMask)
        {
            return Refuse(
                $"it is sealed to PCRs {PcrList.Describe(entry.PcrMask)} of the bank TPM_ALG_{data.Bank}, which is not active: activate it in the firmware's set-up");
        }

        // The TPM would say no more than TPM_RC_POLICY_FAIL.
        TpmDigest present = Use(tpm => Composite(tpm, data.Bank, entry.PcrMask));
        if (present != entry.DigestRelease)
            return Refuse($"PCRs {PcrList.Describe(entry.PcrMask)} have the composite hash {present} and it is sealed to {entry.DigestRelease}");
        try
        {
            return Use(tpm => _keys.With(tpm, data.Parent, parent => Unseal(tpm, parent, entry, data)))
                ?? Refuse("it was sealed by another TPM or under another storage key, or the storage hierarchy was cleared since");
        }
        catch (Tpm2CommandException e) when (e.IsWrongAuth)
        {
            throw new ManagerException("srk_auth= is not the authorization of the storage key that the image is sealed under", e);
        }
        catch (Tpm2CommandException e) when (e.IsAboutParameters || e.Result is TpmRc.PcrChanged or TpmRc.Locality)
        {
            return Refuse($"the hardware TPM refuses it with TPM_RC_{e.Result}: it was sealed at another locality, or is damaged");
        }
        catch (Tpm2CommandException e)
        {
            // Not the entry's fault: the next start may find the TPM in order.
            throw new ManagerException($"the hardware TPM does not unseal now: {e.Message}", e);
        }
    }

    SealEntry? IManagerSealer.Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret)
    {
        if ((_banks.GetValueOrDefault(_bank) & platform.PcrMask) != platform.PcrMask)
        {
            _log.Error($"the hardware TPM has not all of the PCRs {PcrList.Describe(platform.PcrMask)} in its bank TPM_ALG_{_bank}");
            return null;
        }

        byte[] plain = secret.ToArray();
        try
        {
            return Use(tpm => Seal(tpm, platform, plain));
        }
        catch (Tpm2CommandException e)
        {
            _log.Error($"the hardware TPM does not seal: {e.Message}{(e.IsWrongAuth ? ": srk_auth= is not the storage key's" : "")}");
            return null;
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(plain);
        }
    }

    private static TpmDigest Composite(Tpm2Client tpm, TpmAlgId bank, uint mask) => Tpm2Policy.Composite(tpm.PcrRead(bank, mask));

    private byte[]? Refuse(string why)
    {
        _unsealFaults.Add(why);
        return null;
    }

    private SealEntry? Seal(Tpm2Client tpm, PlatformConfiguration platform, byte[] secret)
    {
        Tpm2Key parent = _keys.Get(tpm);
        TpmtPublic template = Template(_bank, platform.PcrMask, platform.DigestRelease);
        using Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, parent);
        (byte[] sealedPart, TpmtPublic made, TpmsCreationData creation) =
            tpm.Create(parent, session, _srk, template, secret, TpmlPcrSelection.Of(_bank, platform.PcrMask));
        byte[]? data = made.Unique.Length == TpmDigest.Size && creation.PcrDigest.Length == TpmDigest.Size
            ? new Tpm2SealedData { Bank = _bank, Parent = Tpm2SealedData.Fingerprint(parent), Unique = new TpmDigest(made.Unique.Span), Private = sealedPart }.ToSealedData()
            : null;
        if (data is null || !WireFormat.ToBytes(template with { Unique = made.Unique }).AsSpan().SequenceEqual(WireFormat.ToBytes(made)))
        {
            _log.Error($"the hardware TPM seals in a form that the image has no place for ({made.Unique.Length} and {sealedPart.Length} bytes)");
            return null;
        }

        return new SealEntry
        {
            PcrMask = platform.PcrMask,
            DigestAtSeal = new TpmDigest(creation.PcrDigest.Span),
            DigestRelease = platform.DigestRelease,
            SealedData = data,
        };
    }

    private byte[] Unseal(Tpm2Client tpm, Tpm2Key parent, SealEntry entry, Tpm2SealedData data)
    {
        TpmtPublic area = Template(data.Bank, entry.PcrMask, entry.DigestRelease) with { Unique = data.Unique.ReadOnlySpan.ToArray() };
        Tpm2Entity item;
        using (Tpm2Session session = tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, parent))
            item = tpm.Load(parent, session, _srk, data.Private.Span, area);
        try
        {
            using Tpm2Session policy = tpm.StartAuthSession(TpmSe.Policy, Tpm2Policy.Hash, parent);
            Tpm2Policy.Apply(tpm, policy, data.Bank, entry.PcrMask, _localities);
            return tpm.Unseal(item, policy);
        }
        finally
        {
            tpm.FlushQuietly(item.Handle);
        }
    }

    /// <summary>The image keeps mask, bank and hash of the platform alone: the public area follows from them.</summary>
    private TpmtPublic Template(TpmAlgId bank, uint mask, TpmDigest composite) =>
        TpmtPublic.SealedData(Tpm2Policy.Hash, Tpm2Policy.Digest(bank, mask, composite, _localities));
}
