using Vtpm.Wire;
using static Vtpm.Wire.TpmOrdinal;

namespace Vtpm.Tis;

/// <summary>The Duration column of Part 2 §17, as far as a TPM tells how long a class may take.</summary>
internal enum OrdinalDuration
{
    /// <summary>An ordinal that the column does not have: a vendor's, or a later specification's.</summary>
    Unknown,
    Short,
    Medium,
    Long,
}

/// <summary>Which class a command is of.</summary>
internal static class OrdinalDurations
{
    public static OrdinalDuration Of(uint ordinal) => (TpmOrdinal)ordinal switch
    {
        Oiap or Osap or Dsap or ChangeAuthOwner or Extend or PcrRead or PcrReset or DirWriteAuth or DirRead
            or GetPubKey or EvictKey or FlushSpecific or TerminateHandle or LoadKeyContext or KeyControlOwner
            or GetRandom or StirRandom or Sha1Start or Sha1Update or Sha1Complete or Sha1CompleteExtend
            or GetCapability or GetCapabilityOwner or SetCapability or GetTestResult or Startup or Reset or ResetLockValue
            or OwnerClear or ForceClear or DisableOwnerClear or DisableForceClear or RevokeTrust
            or OwnerSetDisable or PhysicalEnable or PhysicalDisable or PhysicalSetDeactivated or SetTempDeactivated
            or SetOwnerInstall or SetOperatorAuth or SetOwnerPointer or TscPhysicalPresence or TscResetEstablishmentBit
            or ReadPubek or OwnerReadPubek or DisablePubekRead or OwnerReadInternalPub
            or GetAuditDigest or SetOrdinalAuditStatus or AuthorizeMigrationKey or CmkApproveMA or CmkSetRestrictions
            or CreateMaintenanceArchive or LoadMaintenanceArchive or KillMaintenanceFeature or LoadManuMaintPub or ReadManuMaintPub
            or NvDefineSpace or NvWriteValue or NvWriteValueAuth or NvReadValue or NvReadValueAuth
            or DelegateReadTable or DelegateUpdateVerification
            or CreateCounter or IncrementCounter or ReadCounter or ReleaseCounter or ReleaseCounterOwner or GetTicks => OrdinalDuration.Short,
        ActivateIdentity or CertifyKey or CertifyKey2 or ChangeAuth or ChangeAuthAsymFinish
            or CmkConvertMigration or CmkCreateBlob or CmkCreateTicket or ConvertMigrationBlob or CreateMigrationBlob or MigrateKey
            or DelegateCreateKeyDelegation or DelegateCreateOwnerDelegation or DelegateLoadOwnerDelegation or DelegateManage
            or DelegateVerifyDelegation or EstablishTransport or ReleaseTransportSigned or GetAuditDigestSigned
            or LoadAuthContext or LoadContext or SaveAuthContext or SaveContext or SaveKeyContext or SaveState
            or LoadKey or LoadKey2 or Quote or Quote2 or Seal or Sealx or Unseal or Sign or UnBind or TickStampBlob => OrdinalDuration.Medium,
        ChangeAuthAsymStart or CmkCreateKey or CreateEndorsementKeyPair or CreateRevocableEK or CreateWrapKey or DaaJoin or DaaSign
            or ExecuteTransport or MakeIdentity or TakeOwnership or SelfTestFull or ContinueSelfTest => OrdinalDuration.Long,
        _ => OrdinalDuration.Unknown,
    };
}
