using Vtpm.Engine.Commands.Auditing;
using Vtpm.Engine.Commands.AuthorizationChanges;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Capability;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Daa;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Identity;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Maintenance;
using Vtpm.Engine.Commands.Management;
using Vtpm.Engine.Commands.Migration;
using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Engine.Commands.OptIn;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.Testing;
using Vtpm.Engine.Commands.TimingTicks;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.Engine.Commands.Xen;

namespace Vtpm.Engine;

/// <content>The chapters.</content>
public sealed partial class CommandTable
{
    /// <summary>The commands of a TPM of this profile.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="hasParent">Whether it is a vTPM of Xen, with a TPM below it (<see cref="TpmPlatform.Parent"/>).</param>
    public static CommandTable Create(TpmProfile profile, bool hasParent = true) => new(
    [
        // §3 Admin startup and state
        new Startup(),
        new SaveState(),

        // §4 Admin testing
        new SelfTestFull(),
        new ContinueSelfTest(),
        new GetTestResult(),

        // §5 Admin opt-in
        new SetOwnerInstall(),
        new OwnerSetDisable(),
        new PhysicalEnable(),
        new PhysicalDisable(),
        new PhysicalSetDeactivated(),
        new SetTempDeactivated(),
        new SetOperatorAuth(),

        // §6 Admin ownership
        new TakeOwnership(),
        new OwnerClear(),
        new ForceClear(),
        new DisableOwnerClear(),
        new DisableForceClear(),
        new TscPhysicalPresence(),
        new TscResetEstablishmentBit(),

        // §7 The capability commands
        new GetCapability(),
        new SetCapability(),
        new GetCapabilityOwner(),

        // §8 Auditing
        new GetAuditDigest(),
        new GetAuditDigestSigned(),
        new SetOrdinalAuditStatus(),

        // §9 Administrative functions: management
        new ResetLockValue(),

        // §10 Storage functions
        new Seal(),
        new Unseal(),
        new LoadKey2(),
        new Sealx(),
        new UnBind(),
        new CreateWrapKey(),
        new GetPubKey(),

        // §11 Migration
        new CreateMigrationBlob(),
        new ConvertMigrationBlob(),
        new AuthorizeMigrationKey(),
        new MigrateKey(),
        new CmkSetRestrictions(),
        new CmkApproveMA(),
        new CmkCreateKey(),
        new CmkCreateTicket(),
        new CmkCreateBlob(),
        new CmkConvertMigration(),

        // §12 Maintenance
        .. profile.MaintenanceCommands ? Maintenance() : [],

        // §13 Cryptographic functions
        new Sha1Start(),
        new Sha1Update(),
        new Sha1Complete(),
        new Sha1CompleteExtend(),
        new Sign(),
        new GetRandom(),
        new StirRandom(),
        new CertifyKey(),
        new CertifyKey2(),

        // §14 Endorsement key handling
        new CreateEndorsementKeyPair(),
        new CreateRevocableEK(),
        new RevokeTrust(),
        new ReadPubek(),
        new OwnerReadInternalPub(),

        // §15 Identity creation and activation
        new MakeIdentity(),
        new ActivateIdentity(),

        // §16 Integrity collection and reporting
        new Extend(),
        new PcrRead(),
        new Quote(),
        new PcrReset(),
        new Quote2(),

        // §17 Changing authorization data
        new ChangeAuth(),
        new ChangeAuthOwner(),

        // §18 Authorization sessions
        new Oiap(),
        new Osap(),
        new Dsap(),
        new SetOwnerPointer(),

        // §19 Delegation
        new DelegateManage(),
        new DelegateCreateKeyDelegation(),
        new DelegateCreateOwnerDelegation(),
        new DelegateLoadOwnerDelegation(),
        new DelegateReadTable(),
        new DelegateUpdateVerification(),
        new DelegateVerifyDelegation(),

        // §20 Non-volatile storage
        new NvDefineSpace(),
        new NvWriteValue(),
        new NvWriteValueAuth(),
        new NvReadValue(),
        new NvReadValueAuth(),

        // §21 Session management
        new KeyControlOwner(),
        new SaveContext(),
        new LoadContext(),

        // §22 Eviction
        new FlushSpecific(),

        // §23 Timing ticks
        new GetTicks(),
        new TickStampBlob(),

        // §24 Transport sessions
        new EstablishTransport(),
        new ExecuteTransport(),
        new ReleaseTransportSigned(),

        // §25 Monotonic counter
        new CreateCounter(),
        new IncrementCounter(),
        new ReadCounter(),
        new ReleaseCounter(),
        new ReleaseCounterOwner(),

        // §26 DAA commands
        new DaaJoin(),
        new DaaSign(),

        // §27 Deprecated commands
        new DirWriteAuth(),
        new DirRead(),
        new ChangeAuthAsymStart(),
        new ChangeAuthAsymFinish(),
        new LoadKey(),
        new EvictKey(),
        new TerminateHandle(),
        new SaveKeyContext(),
        new LoadKeyContext(),
        new SaveAuthContext(),
        new LoadAuthContext(),
        new Reset(),
        new OwnerReadPubek(),
        new DisablePubekRead(),

        // Xen's own
        .. hasParent ? (TpmCommand[])[new DeepQuote(), new ParentSignEK()] : [],
    ]);

    private static TpmCommand[] Maintenance() =>
    [
        new CreateMaintenanceArchive(),
        new LoadMaintenanceArchive(),
        new KillMaintenanceFeature(),
        new LoadManuMaintPub(),
        new ReadManuMaintPub(),
    ];
}
