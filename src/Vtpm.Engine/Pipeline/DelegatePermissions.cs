using Owner = Vtpm.Wire.TpmDelegateOwnerPermission;
using Key = Vtpm.Wire.TpmDelegateKeyPermission;
using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// Which bit of a delegation lets which command be used: Part 2 §20.2.1 for the owner's authority and §20.2.3 for a key's. A command that has no bit
/// cannot be delegated.
/// </summary>
public static class DelegatePermissions
{
    /// <summary>The bits of Part 2 §20.2.3; those above are reserved.</summary>
    private const uint KeyBits = ((uint)Key.CmkConvertMigration << 1) - 1;

    /// <summary>Whether <paramref name="permissions"/>, which stand for <paramref name="entity"/>, cover the command.</summary>
    public static bool Allow(in TpmDelegations permissions, TpmEntityType entity, TpmOrdinal ordinal) => permissions.DelegateType switch
    {
        TpmDelegateType.OwnerBits => entity == TpmEntityType.Owner && (permissions.Per1 & (uint)OwnerPermission(ordinal)) != 0,
        TpmDelegateType.KeyBits => entity == TpmEntityType.KeyHandle && (permissions.Per1 & (uint)KeyPermission(ordinal)) != 0,
        _ => false,
    };

    /// <summary>What a new delegation must be like: of one kind, without bits that stand for nothing, and bound to PCRs that there are.</summary>
    /// <returns>TPM_BAD_PARAMETER for another kind or a reserved bit, TPM_INVALID_PCR_INFO for a binding that nothing can meet.</returns>
    public static TpmResult CheckPublic(in TpmDelegatePublic pub, TpmDelegateType type)
    {
        TpmDelegations permissions = pub.Permissions;
        uint known = type == TpmDelegateType.OwnerBits ? uint.MaxValue : KeyBits;
        if (permissions.DelegateType != type || (permissions.Per1 & ~known) != 0 || permissions.Per2 != 0) return TpmResult.BadParameter;
        return IsUnbound(pub.PcrInfo) || PcrBinding.IsValid(pub.PcrInfo) ? TpmResult.Success : TpmResult.InvalidPcrInfo;
    }

    /// <summary>A delegate can pass on no more than it has, and in its own family (Part 3 §19.2 action 3, §19.3 action 3).</summary>
    /// <param name="holder">The delegation that the command was authorized by; null when it was the entity's own secret.</param>
    /// <param name="grant">What it is to make.</param>
    /// <returns>TPM_DELEGATE_FAMILY for another family, TPM_AUTHFAIL for a permission that the holder does not have.</returns>
    public static TpmResult CheckGrant(in TpmDelegatePublic? holder, in TpmDelegatePublic grant)
    {
        if (holder is not { } held) return TpmResult.Success;
        if (held.FamilyId != grant.FamilyId) return TpmResult.DelegateFamily;
        bool isWithin = (grant.Permissions.Per1 & ~held.Permissions.Per1) == 0 && (grant.Permissions.Per2 & ~held.Permissions.Per2) == 0;
        return isWithin ? TpmResult.Success : TpmResult.AuthFail;
    }

    /// <summary>A delegation that names no PCRs and no locality is bound to no environment (Part 1 §29.8.1).</summary>
    public static bool IsUnbound(in TpmPcrInfoShort pcrInfo) =>
        pcrInfo.LocalityAtRelease == TpmLocalitySelection.None
        && pcrInfo.PcrSelection.IsEmpty
        && pcrInfo.PcrSelection.PcrSelect.Length <= PcrBank.Count / 8;

    public static Owner OwnerPermission(TpmOrdinal ordinal) => ordinal switch
    {
        TpmOrdinal.DaaSign => Owner.DaaSign,
        TpmOrdinal.DelegateCreateOwnerDelegation => Owner.DelegateCreateOwnerDelegation,
        TpmOrdinal.DelegateManage => Owner.DelegateManage,
        TpmOrdinal.ReleaseCounterOwner => Owner.ReleaseCounterOwner,
        TpmOrdinal.CreateCounter => Owner.CreateCounter,
        TpmOrdinal.DelegateUpdateVerification => Owner.DelegateUpdateVerification,
        TpmOrdinal.FieldUpgrade => Owner.FieldUpgrade,
        TpmOrdinal.SetRedirection => Owner.SetRedirection,
        TpmOrdinal.DisablePubekRead => Owner.DisablePubekRead,
        TpmOrdinal.OwnerReadPubek => Owner.OwnerReadPubek,
        TpmOrdinal.ActivateIdentity => Owner.ActivateIdentity,
        TpmOrdinal.MakeIdentity => Owner.MakeIdentity,
        TpmOrdinal.SetCapability => Owner.SetCapability,
        TpmOrdinal.OwnerSetDisable => Owner.OwnerSetDisable,
        TpmOrdinal.NvDefineSpace => Owner.NvDefineSpace,
        TpmOrdinal.DisableOwnerClear => Owner.DisableOwnerClear,
        TpmOrdinal.OwnerClear => Owner.OwnerClear,
        TpmOrdinal.ResetLockValue => Owner.ResetLockValue,
        TpmOrdinal.OwnerReadInternalPub => Owner.OwnerReadInternalPub,
        TpmOrdinal.KillMaintenanceFeature => Owner.KillMaintenanceFeature,
        TpmOrdinal.LoadMaintenanceArchive => Owner.LoadMaintenanceArchive,
        TpmOrdinal.CreateMaintenanceArchive => Owner.CreateMaintenanceArchive,
        TpmOrdinal.AuthorizeMigrationKey => Owner.AuthorizeMigrationKey,
        TpmOrdinal.DaaJoin => Owner.DaaJoin,
        TpmOrdinal.DelegateLoadOwnerDelegation => Owner.DelegateLoadOwnerDelegation,
        TpmOrdinal.NvReadValue => Owner.NvReadValue,
        TpmOrdinal.CmkCreateTicket => Owner.CmkCreateTicket,
        TpmOrdinal.NvWriteValue => Owner.NvWriteValue,
        TpmOrdinal.CmkApproveMA => Owner.CmkApproveMA,
        TpmOrdinal.DirWriteAuth => Owner.DirWriteAuth,
        TpmOrdinal.SetOrdinalAuditStatus => Owner.SetOrdinalAuditStatus,
        TpmOrdinal.KeyControlOwner => Owner.KeyControlOwner,
        _ => Owner.None,
    };

    public static Key KeyPermission(TpmOrdinal ordinal) => ordinal switch
    {
        TpmOrdinal.LoadKey => Key.LoadKey,
        TpmOrdinal.Seal => Key.Seal,
        TpmOrdinal.Unseal => Key.Unseal,
        TpmOrdinal.Quote => Key.Quote,
        TpmOrdinal.UnBind => Key.UnBind,
        TpmOrdinal.GetPubKey => Key.GetPubKey,
        TpmOrdinal.ChangeAuth => Key.ChangeAuth,
        TpmOrdinal.DelegateCreateKeyDelegation => Key.DelegateCreateKeyDelegation,
        TpmOrdinal.ConvertMigrationBlob => Key.ConvertMigrationBlob,
        TpmOrdinal.CreateMigrationBlob => Key.CreateMigrationBlob,
        TpmOrdinal.CmkCreateBlob => Key.CmkCreateBlob,
        TpmOrdinal.CreateWrapKey => Key.CreateWrapKey,
        TpmOrdinal.CertifyKey => Key.CertifyKey,
        TpmOrdinal.CertifyKey2 => Key.CertifyKey2,
        TpmOrdinal.Sign => Key.Sign,
        TpmOrdinal.GetAuditDigestSigned => Key.GetAuditDigestSigned,
        TpmOrdinal.ActivateIdentity => Key.ActivateIdentity,
        TpmOrdinal.MakeIdentity => Key.MakeIdentity,
        TpmOrdinal.Sealx => Key.Sealx,
        TpmOrdinal.Quote2 => Key.Quote2,
        TpmOrdinal.ReleaseTransportSigned => Key.ReleaseTransportSigned,
        TpmOrdinal.EstablishTransport => Key.EstablishTransport,
        TpmOrdinal.LoadKey2 => Key.LoadKey2,
        TpmOrdinal.MigrateKey => Key.MigrateKey,
        TpmOrdinal.CmkCreateKey => Key.CmkCreateKey,
        TpmOrdinal.ChangeAuthAsymFinish => Key.ChangeAuthAsymFinish,
        TpmOrdinal.ChangeAuthAsymStart => Key.ChangeAuthAsymStart,
        TpmOrdinal.TickStampBlob => Key.TickStampBlob,
        TpmOrdinal.CmkConvertMigration => Key.CmkConvertMigration,
        _ => Key.None,
    };
}
