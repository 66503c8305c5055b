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
    /// <summary>Whether <paramref name="permissions"/>, which stand for <paramref name="entity"/>, cover the command.</summary>
    public static bool Allow(in TpmDelegations permissions, TpmEntityType entity, TpmOrdinal ordinal) => permissions.DelegateType switch
    {
        TpmDelegateType.OwnerBits => entity == TpmEntityType.Owner && (permissions.Per1 & (uint)OwnerPermission(ordinal)) != 0,
        TpmDelegateType.KeyBits => entity == TpmEntityType.KeyHandle && (permissions.Per1 & (uint)KeyPermission(ordinal)) != 0,
        _ => false,
    };

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
