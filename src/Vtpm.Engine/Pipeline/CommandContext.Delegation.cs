using Vtpm.Wire;

namespace Vtpm.Engine;

/// <content>Delegation: whose authority a session carries, and how far (Part 1 §29, Part 2 §20).</content>
public sealed partial class CommandContext
{
    /// <summary>
    /// The delegation by which the owner's authority was proven in this command; null when it was the owner's own. The commands of Part 3 §19 ask,
    /// since a delegate may touch nothing but its own family.
    /// </summary>
    public TpmDelegatePublic? OwnerDelegation { get; private set; }

    /// <summary>The delegate row that TPM_SetOwnerPointer has put in the owner's place for OIAP and OSAP sessions (Part 3 §18.4).</summary>
    /// <returns>False while the owner's own secret counts. The row is null where the pointer points to nothing any more.</returns>
    public bool TryFindOwnerReference(out DelegateRow? row)
    {
        bool isDelegated = StClearData.OwnerReference != TpmKeyHandle.Owner;
        row = isDelegated ? Permanent.Delegation.FindRow(StClearData.OwnerReference) : null;
        return isDelegated;
    }

    /// <summary>What every use of a delegation begins with: its family is there and enabled, and it is of the family's present generation.</summary>
    /// <returns>TPM_BADINDEX without the family, TPM_DISABLED_CMD when it is not enabled, TPM_FAMILYCOUNT for an old generation.</returns>
    public TpmResult CheckFamily(in TpmDelegatePublic pub)
    {
        if (!Permanent.Delegation.TryFindFamily(pub.FamilyId, out TpmFamilyTableEntry family)) return TpmResult.BadIndex;
        if (!family.Flags.HasFlag(TpmFamilyFlags.Enabled)) return TpmResult.DisabledCmd;
        return pub.VerificationCount == family.VerificationCount ? TpmResult.Success : TpmResult.FamilyCount;
    }

    /// <summary>Whoever has the owner's authority by a delegation may manage its own family alone (Part 1 §29.3).</summary>
    /// <returns>TPM_DELEGATE_FAMILY for another family; the owner itself may manage any.</returns>
    public TpmResult CheckDelegate(uint familyId) =>
        OwnerDelegation is { } delegation && delegation.FamilyId != familyId ? TpmResult.DelegateFamily : TpmResult.Success;

    /// <summary>
    /// Part 3 §19.1 action 4: what the tables said has changed, so that every session of a delegate ends, also one that is saved outside, and the
    /// owner pointer points to the owner again.
    /// </summary>
    public void EndDelegatedSessions()
    {
        StAnyData data = State.StAnyData;
        State = State with
        {
            Sessions = State.Sessions.Without(session => session.Delegation is not null),
            StAnyData = data.DelegatedContextList.Count == 0 ? data : data.WithoutContexts(data.DelegatedContextList.Contains),
            StClearData = StClearData.OwnerReference == TpmKeyHandle.Owner ? StClearData : StClearData with { OwnerReference = TpmKeyHandle.Owner },
        };
    }

    /// <summary>Part 3 §19.3 actions 8 to 13: puts a secret into a delegation blob, and marks it as this TPM's.</summary>
    public void SealDelegation(ref TpmDelegateOwnerBlob blob, Secret authValue)
    {
        SealSensitive(authValue, out blob.AdditionalArea, out blob.SensitiveArea);
        blob.IntegrityDigest = IntegrityOf(blob);
    }

    /// <inheritdoc cref="SealDelegation(ref TpmDelegateOwnerBlob, Secret)"/>
    public void SealDelegation(ref TpmDelegateKeyBlob blob, Secret authValue)
    {
        SealSensitive(authValue, out blob.AdditionalArea, out blob.SensitiveArea);
        blob.IntegrityDigest = IntegrityOf(blob);
    }

    /// <summary>Part 3 §18.3 action 1g to 1j: the secret of a delegation blob, which must be this TPM's and untouched.</summary>
    /// <returns>TPM_AUTHFAIL for a wrong integrity digest, TPM_BAD_DELEGATE when the sensitive area is none.</returns>
    public TpmResult OpenDelegation(in TpmDelegateOwnerBlob blob, out Secret authValue)
    {
        authValue = null!;
        return blob.IntegrityDigest.FixedTimeEquals(IntegrityOf(blob))
            ? OpenSensitive(blob.AdditionalArea.Span, blob.SensitiveArea.Span, out authValue)
            : TpmResult.AuthFail;
    }

    /// <inheritdoc cref="OpenDelegation(in TpmDelegateOwnerBlob, out Secret)"/>
    public TpmResult OpenDelegation(in TpmDelegateKeyBlob blob, out Secret authValue)
    {
        authValue = null!;
        return blob.IntegrityDigest.FixedTimeEquals(IntegrityOf(blob))
            ? OpenSensitive(blob.AdditionalArea.Span, blob.SensitiveArea.Span, out authValue)
            : TpmResult.AuthFail;
    }

    /// <summary>integrityDigest: an HMAC under tpmProof of the blob with zeroes in that place.</summary>
    public TpmDigest IntegrityOf(TpmDelegateOwnerBlob blob) => ProofHmac(WireFormat.ToBytes(blob with { IntegrityDigest = default }));

    /// <inheritdoc cref="IntegrityOf(TpmDelegateOwnerBlob)"/>
    public TpmDigest IntegrityOf(TpmDelegateKeyBlob blob) => ProofHmac(WireFormat.ToBytes(blob with { IntegrityDigest = default }));

    /// <summary>A copy whose variable fields lie outside the memory that ends with the command.</summary>
    public static TpmDelegatePublic Persistent(in TpmDelegatePublic pub)
    {
        _ = WireFormat.Read(WireFormat.ToBytes(pub), out TpmDelegatePublic copy);
        return copy;
    }

    private void SealSensitive(Secret authValue, out ReadOnlyMemory<byte> additionalArea, out ReadOnlyMemory<byte> sensitiveArea)
    {
        byte[] counter = new byte[SymmetricCipher.BlockSize];
        Platform.Random.Fill(counter);
        byte[] plain = WireFormat.ToBytes(new TpmDelegateSensitive { AuthValue = new TpmAuthData(authValue.Span) }, Scratch);
        byte[] cipher = CopyToScratch(plain);
        SymmetricCipher.AesCtr(PermanentData.DelegateKey.Span, counter, cipher);
        (additionalArea, sensitiveArea) = (counter, cipher.ToArray());
    }

    /// <summary>TPM_DELEGATE_SENSITIVE is encrypted by AES in counter mode; the additional area is the first counter.</summary>
    private TpmResult OpenSensitive(ReadOnlySpan<byte> additionalArea, ReadOnlySpan<byte> sensitiveArea, out Secret authValue)
    {
        authValue = null!;
        if (additionalArea.Length != SymmetricCipher.BlockSize) return TpmResult.BadDelegate;
        byte[] plain = Scratch.Allocate(sensitiveArea.Length);
        sensitiveArea.CopyTo(plain);
        SymmetricCipher.AesCtr(PermanentData.DelegateKey.Span, additionalArea, plain);
        if (WireFormat.Read(plain, out TpmDelegateSensitive sensitive) != TpmResult.Success) return TpmResult.BadDelegate;
        authValue = Scratch.Keep(new Secret(sensitive.AuthValue.ReadOnlySpan));
        return TpmResult.Success;
    }

    /// <summary>Whether a delegation lets this command use <paramref name="entity"/> now (Part 3 §18.1.1 action 4a, §18.3 description 5).</summary>
    /// <returns>TPM_DISABLED_CMD for a command that is not delegated; what <see cref="CheckFamily"/> and the PCR binding say.</returns>
    private TpmResult CheckDelegation(in TpmDelegatePublic pub, in AuthEntity entity)
    {
        if (CheckFamily(pub).Failed(out TpmResult error)) return error;
        if (!DelegatePermissions.Allow(pub.Permissions, entity.Type, Command.Traits.Ordinal)) return TpmResult.DisabledCmd;
        TpmPcrInfoShort pcrInfo = pub.PcrInfo;
        return DelegatePermissions.IsUnbound(pcrInfo) ? TpmResult.Success : PcrBinding.Of(pcrInfo).Check(State.Pcrs, LocalityBit);
    }

    /// <summary>restrictDelegate: delegates may use certified migration keys of the usages that the owner has named (Part 3 §11.5).</summary>
    private TpmResult CheckRestriction(LoadedKey key)
    {
        if (!key.Key.KeyFlags.HasFlag(TpmKeyFlags.MigrateAuthority)) return TpmResult.Success;
        TpmCmkDelegate needed = key.Usage switch
        {
            TpmKeyUsage.Signing => TpmCmkDelegate.Signing,
            TpmKeyUsage.Storage => TpmCmkDelegate.Storage,
            TpmKeyUsage.Bind => TpmCmkDelegate.Bind,
            TpmKeyUsage.Legacy => TpmCmkDelegate.Legacy,
            TpmKeyUsage.Migrate => TpmCmkDelegate.Migrate,
            _ => TpmCmkDelegate.None,
        };
        return ((TpmCmkDelegate)PermanentData.RestrictDelegate & needed) != 0 ? TpmResult.Success : TpmResult.InvalidKeyUsage;
    }
}
