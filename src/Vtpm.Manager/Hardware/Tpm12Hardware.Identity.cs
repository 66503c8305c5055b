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
        return Use(tpm =>
        {
            using TpmSession srk = tpm.Oiap(_srk);
            using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, _owner);
            return tpm.MakeIdentity(srk, owner, secret, labelDigest, TpmKeys.Identity);
        });
    }

    public (TpmPcrComposite Pcrs, byte[] Signature) Quote(ManagerGroup group, TpmDigest externalData, TpmPcrSelection selection) =>
        WithIdentity(group, (tpm, key, secret) =>
        {
            using TpmSession session = tpm.Oiap(secret);
            return tpm.Quote(key, session, new TpmNonce(externalData.ReadOnlySpan), selection);
        });

    public TpmSymmetricKey ActivateIdentity(ManagerGroup group, ReadOnlyMemory<byte> blob)
    {
        try
        {
            Use(tpm => MeasureGroup(tpm, group));
        }
        catch (TpmCommandException e) when (e.Result is TpmResult.NotLocal or TpmResult.BadLocality or TpmResult.NotResetable)
        {
            // The TPM itself refuses a blob that wants these PCRs; one that does not has no need of them.
            _log.TpmWarn($"PCRs 20-23 stay as they are (TPM_{e.Result}): resetting them needs tpmlocality=2");
        }

        return WithIdentity(group, (tpm, key, secret) =>
        {
            using TpmSession identity = tpm.Oiap(secret);
            using TpmSession owner = tpm.Oiap(_owner);
            return tpm.ActivateIdentity(key, identity, owner, blob.Span);
        });
    }

    private static void MeasureGroup(TpmClient tpm, ManagerGroup group)
    {
        tpm.PcrReset(TpmPcrSelection.Of(20, 21, 22, 23));
        tpm.Extend(20, TpmDigest.Of(group.SaaModulus.Span));
        tpm.Extend(21, WireFormat.Digest(group.ToConfigList()));
        TpmDigest uuid = default;
        group.Uuid.TryWriteBytes(uuid.Span, bigEndian: true, out _);
        tpm.Extend(23, uuid);
    }

    private T WithIdentity<T>(ManagerGroup group, Func<TpmClient, uint, TpmSecret, T> commands)
    {
        TpmKey identity = TpmKeys.Identity;
        identity.PubKey.Key = group.AikPublic;
        identity.EncData = group.AikEncData;
        using var secret = new TpmSecret(group.AikAuth);
        return Use(tpm =>
        {
            uint key;
            using (TpmSession srk = tpm.Oiap(_srk)) key = tpm.LoadKey(TpmKeyHandle.Srk, srk, identity);
            try
            {
                return commands(tpm, key, secret);
            }
            finally
            {
                Unload(tpm, key);
            }
        });
    }

    private void Unload(TpmClient tpm, uint key)
    {
        try
        {
            tpm.FlushSpecific(key, TpmResourceType.Key);
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
