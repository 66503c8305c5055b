using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.OptIn;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Startup;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Ownership;

public class ClearTests
{
    private const uint OwnersIndex = 0x00001000;
    private const uint AnybodysIndex = 0x00002000;
    private const uint ManufacturersIndex = TpmNvIndex.D | 0x3000;

    [Fact]
    public void OwnerClear_Actions3To14_EverythingOfTheOwnerIsGone()
    {
        TestTpm tpm = Used();
        PermanentState before = tpm.State.Permanent;
        TestAuth auth = tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new OwnerClear(), default, auth);
        Assert.False(auth.GoesOn);
        AssertCleared(tpm, before);
    }

    [Fact]
    public void ForceClear_Action3_DoesWhatOwnerClearDoes()
    {
        TestTpm tpm = Used();
        tpm.State = tpm.State with { StClearData = tpm.State.StClearData with { OwnerReference = 2 } };
        PermanentState before = tpm.State.Permanent;
        tpm.Send(new ForceClear(), default);
        AssertCleared(tpm, before);
    }

    [Fact]
    public void OwnerClear_ThenEnabledAndActivatedByPresence_TakesAnotherOwner()
    {
        TestTpm tpm = Used();
        tpm.Send(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        tpm.PowerCycle();
        tpm.AssertPresence();
        tpm.Send(new PhysicalEnable(), default);
        tpm.Send(new PhysicalSetDeactivated(), new PhysicalSetDeactivatedRequest { State = false });
        tpm.PowerCycle();
        tpm.TakeOwnership(TestTpm.WellKnown);
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.WellKnown));
    }

    [Fact]
    public void OwnerClear_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Used();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.WellKnown)));
        Assert.NotNull(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void OwnerClear_Action2_Disabled_ClearDisabledUntilForceClear()
    {
        TestTpm tpm = Used();
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.ClearDisabled, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Send(new ForceClear(), default);
        Assert.False(tpm.State.Permanent.Flags.DisableOwnerClear);
    }

    [Fact]
    public void OwnerClear_WithoutOwner_NoSrk()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.NoSrk, tpm.ResultOf(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void ForceClear_WithoutOwner_Success()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.Send(new SaveState(), default);
        tpm.Send(new ForceClear(), default);
        Assert.True(tpm.State.Permanent.Flags.Disable);
        Assert.Null(tpm.State.Permanent.SavedState);
    }

    [Fact]
    public void ForceClear_Action1_WithoutPresence_BadPresence()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.BadPresence, tpm.ResultOf(new ForceClear(), default));
    }

    [Fact]
    public void ForceClear_Action2_AfterDisableForceClear_ClearDisabledUntilNextBoot()
    {
        TestTpm tpm = Used();
        tpm.Send(new DisableForceClear(), default);
        Assert.Equal(TpmResult.ClearDisabled, tpm.ResultOf(new ForceClear(), default));
        tpm.PowerCycle();
        tpm.AssertPresence();
        tpm.Send(new ForceClear(), default);
    }

    [Fact]
    public void RevokeTrust_Action4a_AreasOfTheManufacturerGoToo()
    {
        TestTpm tpm = Used();
        PermanentState permanent = tpm.State.Permanent;
        permanent = permanent with { Flags = permanent.Flags with { EnableRevokeEK = true }, Data = permanent.Data with { EKReset = new Secret(new byte[20]) } };
        tpm.State = tpm.State with { Permanent = permanent };
        tpm.Send(new RevokeTrust(), default);
        Assert.Equal([AnybodysIndex], tpm.State.Permanent.Nv.Areas.ToArray().Select(area => area.Index));
    }

    /// <summary>An owned TPM with something in every place that clearing must reach.</summary>
    private static TestTpm Used()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.Send(new SetOperatorAuth(), new SetOperatorAuthRequest { OperatorAuth = new TpmAuthData(TestTpm.WellKnown) });
        tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new SaveState(), default);
        LoadedKey srk = tpm.State.Permanent.Data.Srk!;
        NvStorage nv = NvStorage.Of(
        [
            Area(OwnersIndex, TpmNvPermission.OwnerWrite),
            Area(OwnersIndex + 1, TpmNvPermission.OwnerRead | TpmNvPermission.AuthWrite),
            Area(AnybodysIndex, TpmNvPermission.AuthWrite | TpmNvPermission.AuthRead),
            Area(ManufacturersIndex, TpmNvPermission.OwnerWrite),
        ]);
        CounterTable counters = CounterTable.Empty.Create(7, 1, new Secret(TestTpm.WellKnown), out _);
        var delegation = DelegationTables.Of([new TpmFamilyTableEntry { FamilyId = 9 }], []);
        var pinned = HandleTable<LoadedKey>.Empty.Add(srk with { Handle = 0x01000001, OwnerEvict = true });
        TpmPermanentFlags flags = tpm.State.Permanent.Flags with
        {
            ReadSrkPub = true,
            DisableFullDALogicInfo = true,
            MaintenanceDone = true,
            Ownership = false,
        };
        PermanentData data = tpm.State.Permanent.Data with
        {
            NoOwnerNvWrite = 3,
            RestrictDelegate = 1,
            LastFamilyId = 9,
            AuthDir = TpmDigest.AllOnes,
        };
        tpm.State = tpm.State with
        {
            Keys = pinned.Add(srk with { Handle = 0x01000002 }),
            Permanent = tpm.State.Permanent with
            {
                OwnerEvictKeys = pinned,
                Flags = flags,
                Data = data,
                Nv = nv,
                Counters = counters,
                Delegation = delegation,
            },
            StClearData = tpm.State.StClearData with
            {
                CountId = 7,
                NvWriteLocks = new HashSet<uint> { AnybodysIndex },
                ContextNonceKey = tpm.NewNonce(),
                DeferredPhysicalPresence = 1,
            },
            StAnyData = tpm.State.StAnyData with { ContextNonceSession = tpm.NewNonce(), ContextCount = 4, ContextList = [4] },
        };
        return tpm;
    }

    private static NvArea Area(uint index, TpmNvPermission permission) => new()
    {
        Index = index,
        PcrInfoRead = default,
        PcrInfoWrite = default,
        Permission = permission,
        Auth = new Secret(TestTpm.WellKnown),
        Data = new byte[4],
    };

    private static void AssertCleared(TestTpm tpm, PermanentState before)
    {
        PermanentState after = tpm.State.Permanent;
        Assert.Equal(0, tpm.State.Keys.Count);
        Assert.Equal(0, after.OwnerEvictKeys.Count);
        Assert.Equal(0, tpm.State.Sessions.Count);
        Assert.Null(after.SavedState);

        // Action 4: what outlives the owner.
        Assert.Equal(before.Data.EndorsementKey!.PubDataDigest, after.Data.EndorsementKey!.PubDataDigest);
        Assert.Equal(before.Data.EKReset, after.Data.EKReset);
        Assert.Equal(before.Data.LastFamilyId, after.Data.LastFamilyId);
        Assert.Equal(before.Data.DaaSeed, after.Data.DaaSeed);
        Assert.Equal(before.Data.DaaProof, after.Data.DaaProof);
        Assert.Equal(before.Data.AuthDir, after.Data.AuthDir);

        // Actions 5 and 6.
        Assert.Null(after.Data.OwnerAuth);
        Assert.Null(after.Data.Srk);
        Assert.Null(after.Data.OperatorAuth);
        Assert.NotEqual(before.Data.DelegateKey, after.Data.DelegateKey);
        Assert.NotEqual(before.Data.ContextKey, after.Data.ContextKey);
        Assert.NotEqual(before.Data.TpmProof, after.Data.TpmProof);
        Assert.Equal((0u, 0u), (after.Data.NoOwnerNvWrite, after.Data.RestrictDelegate));

        // Actions 7 and 8.
        Assert.Equal(default, tpm.State.StAnyData.ContextNonceSession);
        Assert.Equal(0u, tpm.State.StAnyData.ContextCount);
        Assert.Empty(tpm.State.StAnyData.ContextList);
        Assert.Equal(default, tpm.State.StClearData.ContextNonceKey);
        Assert.Equal(
            (0u, 0u, TpmKeyHandle.Owner),
            (tpm.State.StClearData.CountId, tpm.State.StClearData.DeferredPhysicalPresence, tpm.State.StClearData.OwnerReference));

        // Actions 11 to 13; an area that stays stays locked.
        Assert.Equal([AnybodysIndex, ManufacturersIndex], after.Nv.Areas.ToArray().Select(area => area.Index));
        Assert.Equal([AnybodysIndex], tpm.State.StClearData.NvWriteLocks);
        Assert.Equal((0, before.Counters.MaxValue), (after.Counters.Counters.Count, after.Counters.MaxValue));
        Assert.Same(DelegationTables.Empty, after.Delegation);

        // Actions 9 and 10; presence is of the platform, not of the owner.
        Assert.Equal(
            before.Flags with
            {
                Disable = true,
                Deactivated = true,
                ReadPubek = true,
                DisableOwnerClear = false,
                DisableFullDALogicInfo = false,
                ReadSrkPub = false,
                Ownership = true,
                Operator = false,
                MaintenanceDone = false,
            },
            after.Flags);
        Assert.True(tpm.State.StClearFlags.PhysicalPresence);
    }
}
