using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>The identity keys of groups, by which the hardware TPM speaks for them.</content>
internal sealed partial class Tpm12Hardware
{
    public bool MakesIdentities => true;

    public (TpmKey Key, byte[] Binding) MakeIdentity(ManagerGroup group, TpmDigest labelDigest)
    {
        using var secret = new TpmSecret(group.AikAuth);
        return MakeIdentity(secret, labelDigest, TpmKeys.Identity);
    }

    public (TpmPcrComposite Pcrs, byte[] Signature) Quote(ManagerGroup group, TpmDigest externalData, TpmPcrSelection selection)
    {
        using var secret = new TpmSecret(group.AikAuth);
        return Quote(IdentityOf(group), secret, externalData, selection);
    }

    public TpmSymmetricKey ActivateIdentity(ManagerGroup group, ReadOnlyMemory<byte> blob)
    {
        TryMeasure(tpm => MeasureGroup(tpm, group));
        using var secret = new TpmSecret(group.AikAuth);
        return ActivateMeasured(IdentityOf(group), secret, blob);
    }

    private static TpmKey IdentityOf(ManagerGroup group)
    {
        TpmKey identity = TpmKeys.Identity;
        identity.PubKey.Key = group.AikPublic;
        identity.EncData = group.AikEncData;
        return identity;
    }

    private static void ResetMeasurements(TpmClient tpm) => tpm.PcrReset(TpmPcrSelection.Of(20, 21, 22, 23));

    private static void MeasureGroup(TpmClient tpm, ManagerGroup group)
    {
        ResetMeasurements(tpm);
        tpm.Extend(20, TpmDigest.Of(group.SaaModulus.Span));
        tpm.Extend(21, WireFormat.Digest(group.ToConfigList()));
        TpmDigest uuid = default;
        group.Uuid.TryWriteBytes(uuid.Span, bigEndian: true, out _);
        tpm.Extend(23, uuid);
    }

    private void TryMeasure(Action<TpmClient> measure)
    {
        try
        {
            Use(measure);
        }
        catch (TpmCommandException e) when (e.Result is TpmResult.NotLocal or TpmResult.BadLocality or TpmResult.NotResetable)
        {
            // The TPM itself refuses a blob that wants these PCRs; one that does not has no need of them.
            _log.TpmWarn($"PCRs 20-23 stay as they are (TPM_{e.Result}): resetting them needs tpmlocality=2");
        }
    }

    private TpmSymmetricKey ActivateMeasured(TpmKey key, TpmSecret secret, ReadOnlyMemory<byte> blob) => WithKey(key, (tpm, handle) =>
    {
        using TpmSession identity = tpm.Oiap(secret);
        using TpmSession owner = tpm.Oiap(_owner);
        return tpm.ActivateIdentity(handle, identity, owner, blob.Span);
    });

    /// <summary>Loads a key of the storage root key for some commands.</summary>
    private T WithKey<T>(TpmKey key, Func<TpmClient, uint, T> commands) => Use(tpm =>
    {
        uint handle;
        using (TpmSession srk = tpm.Oiap(_srk)) handle = tpm.LoadKey(TpmKeyHandle.Srk, srk, key);
        try
        {
            return commands(tpm, handle);
        }
        finally
        {
            Unload(tpm, handle);
        }
    });

    private void Unload(TpmClient tpm, uint key)
    {
        try
        {
            tpm.FlushSpecific(key, TpmResourceType.Key);
        }
        catch (TpmCommandException e) when (IsGone(e) || e.Result == TpmResult.BadParameter)
        {
            // Others have unloaded it.
        }
        catch (TpmException e)
        {
            _log.TpmWarn($"an identity key stays loaded: {e.Message}");
        }
        catch (Transports.TpmTransportException)
        {
            // The error that is on its way says so, or the next use will; a power cycle has unloaded the key.
        }
    }
}
