using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Tests.State;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Ownership;

/// <summary>
/// What TPM_OwnerClear, TPM_ForceClear and TPM_RevokeTrust leave of every region of the state. Whoever adds a region must say here what becomes of it.
/// </summary>
public class ClearedRegionsTests
{
    /// <summary>
    /// keeps: as it was. initial: as in a TPM from the factory that has just started. another: a new value. true, false: that. parts: its members
    /// have rows of their own. apart: no rule of the state. NV, its locks and counters have tests below; a TPM in failure mode clears nothing. Where trust is
    /// revoked, too, the second word counts. The clearing itself is not audited here, since that is the first event of the new audit session.
    /// </summary>
    private const string Fates = """
        TpmState Permanent               parts
        TpmState StClearFlags            keeps
        TpmState StClearData             parts
        TpmState StAnyFlags              keeps
        TpmState StAnyData               parts
        TpmState Pcrs                    keeps
        TpmState Keys                    initial
        TpmState Sessions                initial
        TpmState Transports              initial
        TpmState DaaSessions             initial
        TpmState Sha1Thread              initial
        TpmState IsEndorsementKeyFresh   keeps initial
        TpmState FailureCause            apart
        TpmState LockoutStart            keeps

        StClearData ContextNonceKey      initial
        StClearData CountId              initial
        StClearData OwnerReference       initial
        StClearData DeferredPhysicalPresence initial
        StClearData NvWriteLocks         apart
        StClearData NvReadLocks          apart

        StAnyData ContextNonceSession    initial
        StAnyData TickNonce              another
        StAnyData TickStart              another
        StAnyData ContextCount           initial
        StAnyData ContextList            initial
        StAnyData AuthContextList        initial
        StAnyData DelegatedContextList   initial
        StAnyData AuditDigest            initial
        StAnyData KeyContextNonce        initial

        PermanentState Flags             parts
        PermanentState Data              parts
        PermanentState Nv                apart
        PermanentState Counters          apart
        PermanentState Delegation        initial
        PermanentState DictionaryAttack  keeps
        PermanentState OwnerEvictKeys    initial
        PermanentState SavedState        initial

        PermanentData TpmProof           another
        PermanentData ContextKey         another
        PermanentData DelegateKey        another
        PermanentData EKReset            keeps initial
        PermanentData OwnerAuth          initial
        PermanentData OperatorAuth       initial
        PermanentData EndorsementKey     keeps initial
        PermanentData Srk                initial
        PermanentData AuthDir            keeps
        PermanentData NoOwnerNvWrite     initial
        PermanentData RestrictDelegate   initial
        PermanentData DaaSeed            keeps initial
        PermanentData DaaProof           keeps initial
        PermanentData DaaBlobKey         keeps initial
        PermanentData ManuMaintPub       keeps
        PermanentData AuditChanges       initial
        PermanentData AuditMonotonicCounter keeps
        PermanentData LastFamilyId       keeps

        TpmPermanentFlags Disable        true
        TpmPermanentFlags Ownership      true
        TpmPermanentFlags Deactivated    true
        TpmPermanentFlags ReadPubek      true
        TpmPermanentFlags DisableOwnerClear false
        TpmPermanentFlags AllowMaintenance initial
        TpmPermanentFlags PhysicalPresenceLifetimeLock keeps
        TpmPermanentFlags PhysicalPresenceHwEnable keeps
        TpmPermanentFlags PhysicalPresenceCmdEnable keeps
        TpmPermanentFlags CekpUsed       keeps
        TpmPermanentFlags TpmPost        keeps
        TpmPermanentFlags TpmPostLock    keeps
        TpmPermanentFlags Fips           keeps
        TpmPermanentFlags Operator       false
        TpmPermanentFlags EnableRevokeEK keeps false
        TpmPermanentFlags NvLocked       keeps false
        TpmPermanentFlags ReadSrkPub     false
        TpmPermanentFlags TpmEstablished keeps
        TpmPermanentFlags MaintenanceDone false
        TpmPermanentFlags DisableFullDALogicInfo false
        """;

    private static readonly Dictionary<string, string[]> Rows = Fates.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(row => row.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(words => $"{words[0]}.{words[1]}", words => words[2..]);

    [Fact]
    public void OwnerClear_Actions3To14_EveryRegion_HasTheFateThatIsSetDown() =>
        AssertFates(UsedTpm.Create(), tpm => tpm.Send(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)), revoked: false);

    [Fact]
    public void ForceClear_Action3_EveryRegion_HasTheFateThatIsSetDown() =>
        AssertFates(UsedTpm.Create(), tpm => tpm.Send(new ForceClear(), default), revoked: false);

    [Fact]
    public void RevokeTrust_Actions4bTo8_EveryRegion_HasTheFateThatIsSetDown() =>
        AssertFates(UsedTpm.Create(), tpm => tpm.Send(new RevokeTrust(), default), revoked: true);

    [Fact]
    public void OwnerClear_Action12_NvAreas_OnlyThoseOfTheOwnerGo()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new ForceClear(), default);
        Assert.Equal([UsedTpm.AnybodysIndex, UsedTpm.ManufacturersIndex], tpm.State.Permanent.Nv.Areas.ToArray().Select(area => area.Index));
    }

    /// <summary>The locks of an area go with it: one that the next owner defines in its place is not locked.</summary>
    [Fact]
    public void OwnerClear_Action12_NvLocks_AreThoseOfTheAreasThatStay()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new ForceClear(), default);
        AssertLocked(tpm, UsedTpm.AnybodysIndex, UsedTpm.ManufacturersIndex);
    }

    [Fact]
    public void RevokeTrust_Action4a_NvLocks_AreThoseOfTheAreasThatStay()
    {
        TestTpm tpm = UsedTpm.Create();
        tpm.Send(new RevokeTrust(), default);
        AssertLocked(tpm, UsedTpm.AnybodysIndex);
    }

    [Fact]
    public void OwnerClear_Action11_Counters_GoButTheirHighestValueStays()
    {
        TestTpm tpm = UsedTpm.Create();
        uint highest = tpm.State.Permanent.Counters.MaxValue;
        tpm.Send(new ForceClear(), default);
        Assert.NotEqual(0u, highest);
        Assert.Equal((0, highest), (tpm.State.Permanent.Counters.Counters.Count, tpm.State.Permanent.Counters.MaxValue));
    }

    [Fact]
    public void OwnerClear_Action14_ItsOwnSession_Ends()
    {
        TestTpm tpm = UsedTpm.Create();
        TestAuth auth = tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new OwnerClear(), default, auth);
        Assert.False(auth.GoesOn);
    }

    private static void AssertLocked(TestTpm tpm, params uint[] indexes)
    {
        Assert.Equal(indexes, tpm.State.StClearData.NvWriteLocks.Order());
        Assert.Equal(indexes, tpm.State.StClearData.NvReadLocks.Order());
    }

    private static void AssertFates(TestTpm tpm, Action<TestTpm> clear, bool revoked)
    {
        TpmState initial = new TestTpm().State;
        TpmState before = tpm.State;
        clear(tpm);
        var seen = new HashSet<string>();
        Check(before, tpm.State, initial, revoked, seen);
        Assert.Empty(Rows.Keys.Except(seen));
    }

    private static void Check(object before, object after, object initial, bool revoked, HashSet<string> seen)
    {
        foreach ((string name, Func<object, object?> get) in Regions.Of(before.GetType()))
        {
            string region = $"{before.GetType().Name}.{name}";
            Assert.True(Rows.TryGetValue(region, out string[]? fates), $"what becomes of {region} when the owner is cleared?");
            seen.Add(region);
            string fate = fates[revoked ? fates.Length - 1 : 0];
            (object? was, object? has, object? begins) = (get(before), get(after), get(initial));
            switch (fate)
            {
                case "parts":
                    Check(was!, has!, begins!, revoked, seen);
                    break;
                case "keeps":
                    Assert.True(Regions.Same(was, has), $"{region} has changed");
                    Assert.False(Regions.Same(was, begins), $"{region} was as in a new TPM: the test shows nothing");
                    break;
                case "another":
                    Assert.False(has is null || Regions.Same(was, has), $"{region} is still the same");
                    break;
                case "initial":
                    Assert.True(Regions.Same(has, begins), $"{region} is not as in a new TPM");
                    Assert.False(Regions.Same(was, begins), $"{region} was as in a new TPM: the test shows nothing");
                    break;
                case "true" or "false":
                    Assert.True(fate == "true" == (bool)has!, $"{region} is not {fate}");
                    break;
                default:
                    Assert.Equal("apart", fate);
                    break;
            }
        }
    }
}
