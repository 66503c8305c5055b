using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §6 (ownership), §14 (endorsement key) and §17.2 (change of the owner's secrets).</content>
public sealed partial class TpmClient
{
    /// <summary><c>TPM_ReadPubek</c>, Part 3 §14.4; that the answer is for this question is checked.</summary>
    public TpmPubKey ReadPubek() => ReadEndorsementKey(TpmOrdinal.ReadPubek, null);

    /// <summary><c>TPM_CreateEndorsementKeyPair</c>, Part 3 §14.1.</summary>
    public TpmPubKey CreateEndorsementKeyPair(TpmKeyParms keyInfo) => ReadEndorsementKey(TpmOrdinal.CreateEndorsementKeyPair, keyInfo);

    /// <summary><c>TPM_DisablePubekRead</c>, Part 3 §28.9.</summary>
    public void DisablePubekRead(TpmSession ownerAuth) => Execute(Begin(TpmOrdinal.DisablePubekRead), ownerAuth);

    /// <summary><c>TPM_OwnerReadInternalPub</c>, Part 3 §14.5: the endorsement key (TPM_KH_EK) or the storage root key (TPM_KH_SRK).</summary>
    public TpmPubKey OwnerReadInternalPub(uint keyHandle, TpmSession ownerAuth)
    {
        TpmRequest request = Begin(TpmOrdinal.OwnerReadInternalPub);
        // No handle of the wire's grammar: the authorization covers it.
        request.UInt32(keyHandle);
        return ExecuteFor<TpmPubKey>(request, ownerAuth);
    }

    /// <summary><c>TPM_TakeOwnership</c>, Part 3 §6.1: the secrets go to the TPM encrypted for its endorsement key.</summary>
    /// <returns>The public part of the new storage root key.</returns>
    public TpmKey TakeOwnership(TpmPubKey endorsementKey, TpmSecret ownerSecret, TpmSecret srkSecret, TpmKey srkParams)
    {
        ArgumentNullException.ThrowIfNull(ownerSecret);
        ArgumentNullException.ThrowIfNull(srkSecret);
        using TpmSession session = Oiap(ownerSecret);
        TpmRequest request = Begin(TpmOrdinal.TakeOwnership);
        request.UInt16((ushort)TpmProtocolId.Owner);
        request.Sized32(RsaOaep.Encrypt(endorsementKey, ownerSecret.Span));
        request.Sized32(RsaOaep.Encrypt(endorsementKey, srkSecret.Span));
        request.Structure(srkParams);
        return ExecuteFor<TpmKey>(request, session);
    }

    /// <summary><c>TPM_OwnerClear</c>, Part 3 §6.2.</summary>
    public void OwnerClear(TpmSession ownerAuth) => Execute(Begin(TpmOrdinal.OwnerClear), ownerAuth);

    /// <summary>
    /// <c>TPM_ChangeAuthOwner</c>, Part 3 §17.2: another secret for the owner or the storage root key; <paramref name="ownerAuth"/> is an OSAP session for
    /// the owner.
    /// </summary>
    public void ChangeAuthOwner(TpmSession ownerAuth, TpmSecret newSecret, TpmEntityType entityType)
    {
        ArgumentNullException.ThrowIfNull(ownerAuth);
        ArgumentNullException.ThrowIfNull(newSecret);
        TpmRequest request = Begin(TpmOrdinal.ChangeAuthOwner);
        request.UInt16((ushort)TpmProtocolId.Adcp);
        request.Structure(ownerAuth.Encrypt(newSecret));
        request.UInt16((ushort)entityType);
        Execute(request, ownerAuth);
    }

    private TpmPubKey ReadEndorsementKey(TpmOrdinal ordinal, TpmKeyParms? keyInfo)
    {
        TpmNonce antiReplay = default;
        RandomNumberGenerator.Fill(antiReplay.Span);
        TpmRequest request = Begin(ordinal);
        request.Structure(antiReplay);
        if (keyInfo is { } parms) request.Structure(parms);
        (TpmPubKey key, TpmDigest checksum) = Execute(
            request,
            static (ref WireReader reader) => (Structure<TpmPubKey>(ref reader), Structure<TpmDigest>(ref reader)));
        byte[] hashed = [.. WireFormat.ToBytes(key), .. antiReplay.ReadOnlySpan];
        if (TpmDigest.Of(hashed) != checksum) throw new TpmIntegrityException(ordinal, "its checksum is not over this key and our nonce");
        return key;
    }
}
