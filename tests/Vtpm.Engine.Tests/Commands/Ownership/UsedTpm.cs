using Vtpm.Engine.Commands.OptIn;
using Vtpm.Engine.Commands.Startup;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Commands.Ownership;

/// <summary>An owned TPM with something in every place that clearing must reach, or must leave alone.</summary>
internal static class UsedTpm
{
    public const uint OwnersIndex = 0x00001000;
    public const uint AnybodysIndex = 0x00002000;
    public const uint ManufacturersIndex = TpmNvIndex.D | 0x3000;
    private const uint OwnersRow = 1;

    public static TestTpm Create()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(TestTpm.WellKnown) });
        tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.EstablishTransport(TestTpm.Transport(default));
        tpm.Send(new SaveState(), default);
        LoadedKey srk = tpm.State.Permanent.Data.Srk!;
        var pinned = HandleTable<LoadedKey>.Empty.Add(srk with { Handle = 0x01000001, OwnerEvict = true });
        tpm.State = tpm.State with
        {
            Permanent = Permanent(tpm.State.Permanent) with { OwnerEvictKeys = pinned },
            Keys = pinned.Add(srk with { Handle = 0x01000002 }),
            Pcrs = tpm.State.Pcrs.Extend(4, TpmDigest.AllOnes),
            StClearFlags = tpm.State.StClearFlags with { BGlobalLock = true },
            StClearData = new StClearData
            {
                ContextNonceKey = tpm.NewNonce(),
                CountId = 7,
                OwnerReference = OwnersRow,
                DeferredPhysicalPresence = 1,
                NvWriteLocks = new HashSet<uint> { AnybodysIndex, OwnersIndex, ManufacturersIndex },
                NvReadLocks = new HashSet<uint> { AnybodysIndex, OwnersIndex, ManufacturersIndex },
            },
            StAnyFlags = tpm.State.StAnyFlags with { TosPresent = true },
            StAnyData = tpm.State.StAnyData with
            {
                ContextNonceSession = tpm.NewNonce(),
                ContextCount = 5,
                ContextList = [4, 5],
                AuthContextList = [5],
                DelegatedContextList = [4],
                KeyContextNonce = tpm.NewNonce(),
            },
            DaaSessions = HandleTable<DaaSession>.Empty.Add(new DaaSession(0x06000001, new Secret(TestTpm.KeyAuth))),
            Sha1Thread = Sha1Thread.Start(),
            LockoutStart = tpm.Time.GetTimestamp() + 1,
        };
        tpm.Time.Advance(TimeSpan.FromSeconds(3));
        return tpm;
    }

    private static PermanentState Permanent(PermanentState permanent) => permanent with
    {
        Flags = permanent.Flags with
        {
            Ownership = false,
            AllowMaintenance = true,
            PhysicalPresenceHwEnable = true,
            PhysicalPresenceLifetimeLock = true,
            TpmPost = true,
            TpmPostLock = true,
            Fips = true,
            EnableRevokeEK = true,
            NvLocked = true,
            ReadSrkPub = true,
            TpmEstablished = true,
            MaintenanceDone = true,
            DisableFullDALogicInfo = true,
        },
        Data = permanent.Data with
        {
            EKReset = new Secret(new byte[20]),
            AuthDir = TpmDigest.AllOnes,
            NoOwnerNvWrite = 3,
            RestrictDelegate = 1,
            DaaSeed = new Secret(TestTpm.KeyAuth),
            DaaProof = new Secret(TestTpm.KeyAuth),
            DaaBlobKey = new Secret(TestTpm.KeyAuth),
            ManuMaintPub = permanent.Data.Srk!.Key.ToPubKey(),
            AuditChanges = new HashSet<TpmOrdinal> { TpmOrdinal.PcrRead, TpmOrdinal.OwnerClear, TpmOrdinal.ForceClear },
            AuditMonotonicCounter = 6,
            LastFamilyId = 9,
        },
        Nv = NvStorage.Of(
        [
            Area(OwnersIndex, TpmNvPermission.OwnerWrite),
            Area(OwnersIndex + 1, TpmNvPermission.OwnerRead | TpmNvPermission.AuthWrite),
            Area(AnybodysIndex, TpmNvPermission.AuthWrite | TpmNvPermission.AuthRead),
            Area(ManufacturersIndex, TpmNvPermission.OwnerWrite),
        ]),
        Counters = CounterTable.Empty.Create(7, 1, new Secret(TestTpm.WellKnown), out _),
        Delegation = DelegationTables.Of([new TpmFamilyTableEntry { FamilyId = 9, VerificationCount = 1, Flags = TpmFamilyFlags.Enabled }], []).WithRow(OwnersRow, Delegate()),
        DictionaryAttack = DictionaryAttack.AfterFailure(1, DateTimeOffset.UnixEpoch, atReset: false),
    };

    /// <summary>A delegation of all that the owner may do, with the owner's secret: the tests need not know that the owner pointer points to it.</summary>
    private static DelegateRow Delegate() =>
        new(TestTpm.Delegation((TpmDelegateOwnerPermission)uint.MaxValue, familyId: 9), new Secret(TestTpm.OwnerAuth));

    private static NvArea Area(uint index, TpmNvPermission permission) => new()
    {
        Index = index,
        PcrInfoRead = default,
        PcrInfoWrite = default,
        Permission = permission,
        Auth = new Secret(TestTpm.WellKnown),
        Data = new byte[4],
    };
}
