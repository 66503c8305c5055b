using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>What administrators ask of it.</content>
internal sealed partial class Tpm12Hardware : IHardwareAdministration
{
    public (TpmKey Key, byte[] Binding) MakeIdentity(TpmSecret secret, TpmDigest labelDigest, TpmKey parameters) => Use(tpm =>
    {
        using TpmSession srk = tpm.Oiap(_srk);
        using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, _owner);
        return tpm.MakeIdentity(srk, owner, secret, labelDigest, parameters);
    });

    public TpmSymmetricKey ActivateIdentity(TpmKey key, TpmSecret secret, ReadOnlyMemory<byte> blob)
    {
        TryMeasure(ResetMeasurements);
        return ActivateMeasured(key, secret, blob);
    }

    public (TpmPcrComposite Pcrs, byte[] Signature) Quote(TpmKey key, TpmSecret secret, TpmDigest externalData, TpmPcrSelection selection) =>
        WithKey(key, (tpm, handle) =>
        {
            using TpmSession session = tpm.Oiap(secret);
            return tpm.Quote(handle, session, new TpmNonce(externalData.ReadOnlySpan), selection);
        });

    public TpmPubKey ReadPubek() => Use(tpm =>
    {
        using TpmSession owner = tpm.Oiap(_owner);
        return tpm.OwnerReadInternalPub(TpmKeyHandle.EK, owner);
    });

    public void NvDefineSpace(TpmNvDataPublic area, TpmSecret secret) => Use(tpm =>
    {
        if (area.NvIndex == TpmNvIndex.Lock)
        {
            tpm.NvLock();
            return;
        }

        using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, _owner);
        tpm.NvDefineSpace(area, owner, secret);
    });

    public void NvWriteValue(uint index, uint offset, ReadOnlyMemory<byte> data) => Use(tpm =>
    {
        if (!AsksForOwner(tpm, index, TpmNvPermission.OwnerWrite))
        {
            tpm.NvWriteValue(index, offset, data.Span);
            return;
        }

        using TpmSession owner = tpm.Oiap(_owner);
        tpm.NvWriteValue(index, offset, data.Span, owner);
    });

    public byte[] NvReadValue(uint index, uint offset, uint size) => Use(tpm =>
    {
        if (!AsksForOwner(tpm, index, TpmNvPermission.OwnerRead)) return tpm.NvReadValue(index, offset, size);
        using TpmSession owner = tpm.Oiap(_owner);
        return tpm.NvReadValue(index, offset, size, owner);
    });

    /// <summary>Asked first: to the owner's authorization for an area that does not want it, a TPM says no.</summary>
    private static bool AsksForOwner(TpmClient tpm, uint index, TpmNvPermission permission)
    {
        try
        {
            return (tpm.GetCapability<TpmNvDataPublic>(TpmCapability.NvIndex, index).Permission.Attributes & permission) != 0;
        }
        catch (TpmCommandException e) when (e.Result == TpmResult.BadIndex)
        {
            return true;   // Reading or writing says what is wrong with the index.
        }
    }
}
