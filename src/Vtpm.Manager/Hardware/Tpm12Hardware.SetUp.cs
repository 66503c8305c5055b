using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What happens once at the start.</content>
internal sealed partial class Tpm12Hardware
{
    /// <summary>What TPM_FlushSpecific can end; what else TPM_CAP_HANDLE lists (counters) outlives a power cycle and is nobody's leftover.</summary>
    private static readonly TpmResourceType[] Flushed =
        [TpmResourceType.Key, TpmResourceType.Auth, TpmResourceType.Trans, TpmResourceType.DaaTpm, TpmResourceType.Context];

    private void SetUp()
    {
        try
        {
            TpmCapVersionInfo version = Use(tpm => tpm.GetVersion());
            Flush();
            TpmPubKey? endorsementKey = TakeOwnership(out bool tookOwnership);
            endorsementKey ??= ReadEndorsementKey();
            Summary = Describe(version, endorsementKey, tookOwnership);
        }
        catch (TpmCommandException e) when (e.Result is TpmResult.Disabled or TpmResult.Deactivated)
        {
            throw new ManagerException(
                $"the hardware TPM is {(e.Result == TpmResult.Disabled ? "disabled" : "deactivated")}: enable and activate it in the firmware's set-up, then start the machine again", e);
        }
        catch (TpmCommandException e) when (e.Result is TpmResult.FailedSelfTest)
        {
            throw new ManagerException("the hardware TPM has failed its self-test: a power cycle may help, else it is broken", e);
        }
        catch (TpmException e)
        {
            throw new ManagerException($"the hardware TPM cannot be set up: {e.Message}", e);
        }
    }

    /// <summary>Ends what others have left loaded: a manager has the hardware TPM for itself, and its few slots.</summary>
    private void Flush()
    {
        int count = 0;
        foreach (TpmResourceType type in Flushed)
        {
            foreach (uint handle in Handles(type))
            {
                try
                {
                    Use(tpm => tpm.FlushSpecific(handle, type));
                    count++;
                }
                catch (TpmCommandException e)
                {
                    // A key that the owner has put there to stay answers TPM_KEY_OWNER_CONTROL.
                    _log.TpmInfo($"{type} 0x{handle:x8} stays: TPM_{e.Result}");
                }
            }
        }

        if (count > 0) _log.TpmInfo($"flushed {count} handles that others had left");
    }

    private uint[] Handles(TpmResourceType type)
    {
        try
        {
            return Use(tpm => tpm.GetHandles(type));
        }
        catch (TpmCommandException e) when (e.Result is not (TpmResult.Disabled or TpmResult.Deactivated or TpmResult.FailedSelfTest))
        {
            return [];   // A chip without such resources knows no list of them.
        }
    }

    /// <summary>Owns the TPM when nobody does.</summary>
    /// <returns>The endorsement key, if it was to be read on the way.</returns>
    private TpmPubKey? TakeOwnership(out bool taken)
    {
        taken = false;
        TpmPubKey endorsementKey;
        try
        {
            endorsementKey = Use(tpm => tpm.ReadPubek());
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.DisabledCmd)
        {
            return null;   // Only an owner can have forbidden it.
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.NoEndorsement)
        {
            _log.TpmInfo("the hardware TPM has no endorsement key: making one, which can take minutes");
            endorsementKey = MakeEndorsementKey();
        }

        int attempts = 0;
        try
        {
            _log.TpmInfo("the hardware TPM has no owner: taking ownership, which can take a minute");
            Use(tpm =>
            {
                attempts++;
                tpm.TakeOwnership(endorsementKey, _owner, _srk, TpmKeys.StorageRootKey);
            });
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.OwnerSet && attempts > 1)
        {
            // By the first attempt, whose answer was lost.
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.OwnerSet)
        {
            return endorsementKey;   // Its owner lets everybody read the endorsement key.
        }

        taken = true;
        Use(tpm =>
        {
            using TpmSession owner = tpm.Oiap(_owner);
            tpm.DisablePubekRead(owner);
        });
        return endorsementKey;
    }

    private TpmPubKey MakeEndorsementKey()
    {
        bool wasTried = false;
        return Use(tpm =>
        {
            // A TPM makes one once, and the answer to the first attempt may have been lost after that.
            if (wasTried && TryReadPubek(tpm) is { } made) return made;
            wasTried = true;
            return tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        });
    }

    private static TpmPubKey? TryReadPubek(TpmClient tpm)
    {
        try
        {
            return tpm.ReadPubek();
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.NoEndorsement)
        {
            return null;
        }
    }

    private TpmPubKey? ReadEndorsementKey()
    {
        try
        {
            return Use(tpm =>
            {
                using TpmSession owner = tpm.Oiap(_owner);
                return tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner);
            });
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.AuthFail)
        {
            _ownerIsUnknown = true;
            _log.TpmWarn("owner_auth= is not this TPM's: groups cannot be given an identity, and the endorsement key stays unread");
        }
        catch (TpmCommandException e)
        {
            _log.TpmWarn($"the endorsement key stays unread: {e.Message}");
        }

        return null;
    }

    private HardwareSummary Describe(TpmCapVersionInfo version, TpmPubKey? endorsementKey, bool tookOwnership)
    {
        int count = (int)Math.Min(Use(tpm => tpm.GetProperty(TpmCapabilityProperty.Pcr)), PcrList.Count);
        TpmDigest[] pcrs = [.. Enumerable.Range(0, count).Select(pcr => Use(tpm => tpm.PcrRead((uint)pcr)))];
        char[] letters = [.. Enumerable.Range(0, sizeof(uint)).Select(i => (char)(version.TpmVendorId >> (24 - 8 * i) & 0xFF))];
        return new HardwareSummary
        {
            ChipVersion = $"{version.Version.Major}.{version.Version.Minor}.{version.Version.RevMajor}.{version.Version.RevMinor}",
            SpecLevel = version.SpecLevel,
            ErrataRevision = version.ErrataRev,
            Vendor = letters.All(c => c is >= ' ' and <= '~' or '\0') ? new string(letters).TrimEnd('\0', ' ') : $"{version.TpmVendorId:x8}",
            Pcrs = pcrs,
            TookOwnership = tookOwnership,
            EndorsementKey = endorsementKey?.PubKey.Key ?? default,
        };
    }
}
