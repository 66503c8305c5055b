using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>Sealing what opens the image: TPM_Seal under the storage root key, with TPM_PCR_INFO_LONG.</content>
internal sealed partial class Tpm12Hardware
{
    private readonly List<string> _unsealFaults = [];

    // Of one opening of the image: a list of hundreds of platforms mostly asks for the same PCRs, and a chip takes milliseconds for each.
    private readonly Dictionary<uint, TpmDigest> _composites = [];

    public string[] TakeUnsealFaults()
    {
        string[] faults = [.. _unsealFaults.Distinct()];
        _unsealFaults.Clear();
        _composites.Clear();
        return faults;
    }

    byte[]? IManagerSealer.Unseal(SealEntry entry)
    {
        if (Tpm2SealedData.IsIn(entry))
        {
            _unsealFaults.Add("it was sealed by a TPM 2.0, and the hardware is used as a TPM 1.2 (tpm2=1 is not given)");
            return null;
        }

        // The TPM would say no more than TPM_WRONGPCRVAL.
        if (!_composites.TryGetValue(entry.PcrMask, out TpmDigest present)) _composites[entry.PcrMask] = present = ReadComposite(entry.PcrMask);
        if (present != entry.DigestRelease)
        {
            _unsealFaults.Add($"PCRs {PcrList.Describe(entry.PcrMask)} have the composite hash {present} and it is sealed to {entry.DigestRelease}");
            return null;
        }

        try
        {
            return Use(tpm => Unseal(tpm, ToStoredData(entry)));
        }
        catch (TpmCommandException e) when (e.Result is TpmResult.AuthFail)
        {
            throw new ManagerException(
                "srk_auth= is not this TPM's: give the one that ownership was taken with (a TPM locks itself after a few wrong ones)", e);
        }
        catch (TpmCommandException e) when (IsOthersDoing(e))
        {
            // No word about this entry, so that nobody may conclude that the image is lost.
            throw new ManagerException(
                $"the hardware TPM does not come to unsealing the image, since others use it: {e.Message}. Nothing was changed: end what else uses it, then start again", e);
        }
        catch (TpmCommandException e) when (e is not TpmBusyException)
        {
            _unsealFaults.Add(
                $"the hardware TPM refuses it with TPM_{e.Result}: it was sealed by another TPM or under another owner, or at another locality, or is damaged");
            return null;
        }
    }

    SealEntry? IManagerSealer.Seal(PlatformConfiguration platform, ReadOnlySpan<byte> secret)
    {
        byte[] plain = secret.ToArray();
        try
        {
            TpmStoredData blob = Use(tpm => Seal(tpm, platform, plain));
            if (WireFormat.Read(blob.SealInfo.Span, out TpmPcrInfoLong info) != TpmResult.Success || blob.EncData.Length != SealEntry.SealedDataSize)
            {
                _log.Error(
                    $"the hardware TPM seals in a form that the image has no place for ({blob.SealInfo.Length} and {blob.EncData.Length} bytes)");
                return null;
            }

            var entry = new SealEntry
            {
                PcrMask = platform.PcrMask,
                DigestAtSeal = info.DigestAtCreation,
                DigestRelease = platform.DigestRelease,
                SealedData = blob.EncData.ToArray(),
            };
            if (WireFormat.ToBytes(ToStoredData(entry)).AsSpan().SequenceEqual(WireFormat.ToBytes(blob))) return entry;
            _log.Error("the hardware TPM seals in a form that could not be rebuilt from the image");
            return null;
        }
        catch (TpmCommandException e)
        {
            string hint = e.Result == TpmResult.AuthFail ? ": srk_auth= is not this TPM's" : "";
            _log.Error($"the hardware TPM does not seal: {e.Message}{hint}");
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    private byte[] Unseal(TpmClient tpm, TpmStoredData blob)
    {
        using TpmSecret none = TpmSecret.WellKnown();
        using TpmSession srk = tpm.Oiap(_srk);
        using TpmSession data = tpm.Oiap(none);
        return tpm.Unseal(TpmKeyHandle.Srk, srk, data, blob);
    }

    private TpmStoredData Seal(TpmClient tpm, PlatformConfiguration platform, byte[] secret)
    {
        byte[] info = WireFormat.ToBytes(SealInfo(platform.PcrMask, default, platform.DigestRelease));
        using TpmSecret none = TpmSecret.WellKnown();
        using TpmSession srk = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, _srk);
        return tpm.Seal(TpmKeyHandle.Srk, srk, none, info, secret);
    }

    /// <summary>The image keeps encData and digests alone: the rest of the blob follows from them.</summary>
    private TpmStoredData ToStoredData(in SealEntry entry) => new()
    {
        Ver = TpmStoredData.Tag12(entityType: 0),
        SealInfo = WireFormat.ToBytes(SealInfo(entry.PcrMask, entry.DigestAtSeal, entry.DigestRelease)),
        EncData = entry.SealedData,
    };

    private TpmPcrInfoLong SealInfo(uint mask, TpmDigest atCreation, TpmDigest atRelease) => new()
    {
        LocalityAtCreation = _locality,
        LocalityAtRelease = _locality,
        CreationPcrSelection = PcrList.ToSelection(mask),
        ReleasePcrSelection = PcrList.ToSelection(mask),
        DigestAtCreation = atCreation,
        DigestAtRelease = atRelease,
    };
}
