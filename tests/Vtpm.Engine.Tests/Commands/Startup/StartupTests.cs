using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Commands.Testing;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;
using StartupCommand = Vtpm.Engine.Commands.Startup.Startup;

namespace Vtpm.Engine.Tests.Commands.Startup;

public class StartupTests
{
    private static readonly TpmDigest Measurement = new(SHA1.HashData("kernel"u8));

    [Fact]
    public void Startup_Action1_AgainWithoutInit_InvalidPostInit()
    {
        var tpm = new TestTpm();
        foreach (TpmStartupType type in Enum.GetValues<TpmStartupType>())
            Assert.Equal(TpmResult.InvalidPostInit, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = type }));
    }

    [Fact]
    public void Init_Action1_AnyCommandBeforeStartup_InvalidPostInit()
    {
        var tpm = new TestTpm(started: false);
        Assert.Equal(TpmResult.InvalidPostInit, tpm.ResultOf(new Extend(), new ExtendRequest { InDigest = Measurement }));
        Assert.Equal(TpmResult.InvalidPostInit, tpm.ResultOf(new SaveState(), default));
        Assert.Equal(TpmResult.InvalidPostInit, tpm.ResultOf(new GetTestResult(), default));
    }

    [Fact]
    public void Startup_TypeThatThereIsNot_BadParameterAndStillWaiting()
    {
        var tpm = new TestTpm(started: false);
        Assert.Equal(TpmResult.BadParameter, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = (TpmStartupType)7 }));
        tpm.Startup();
        Assert.False(tpm.State.StAnyFlags.PostInitialise);
    }

    [Fact]
    public void Startup_Actions2aTo2dAnd2fTo2h_Clear_ResetsEverythingVolatile()
    {
        TestTpm tpm = Used();
        TpmNonce tickNonce = tpm.State.StAnyData.TickNonce;

        tpm.PowerCycle();

        Assert.Equal(default, Read(tpm, 4));
        Assert.Equal(default, Read(tpm, 16));
        Assert.Equal(TpmDigest.AllOnes, Read(tpm, 17));
        Assert.Equal(default, tpm.State.StClearFlags);
        Assert.Equal(new StClearData(), tpm.State.StClearData);
        Assert.Equal(0, tpm.State.Sessions.Count);
        AssertNothingSaved(tpm);
        Assert.Equal(default, tpm.State.StAnyData.AuditDigest);
        Assert.NotEqual(tickNonce, tpm.State.StAnyData.TickNonce);
    }

    [Fact]
    public void Startup_Action2e_Clear_DeactivatedAsThePermanentFlagSays()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Deactivated = true } } };
        tpm.PowerCycle();
        Assert.True(tpm.State.StClearFlags.Deactivated);
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new PcrRead(), default));
    }

    [Fact]
    public void Startup_Action2i_Clear_KeepsOwnerEvictKeysAlone()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        LoadedKey pinned = tpm.State.Permanent.Data.Srk! with { Handle = 0x01000001, OwnerEvict = true };
        LoadedKey loaded = tpm.State.Permanent.Data.Srk! with { Handle = 0x01000002 };
        var pinnedOnly = HandleTable<LoadedKey>.Empty.Add(pinned);
        tpm.State = tpm.State with { Keys = pinnedOnly.Add(loaded), Permanent = tpm.State.Permanent with { OwnerEvictKeys = pinnedOnly } };
        tpm.PowerCycle();
        Assert.Equal((pinned.Handle, pinned.PubDataDigest), OnlyKey(tpm));
    }

    [Fact]
    public void Startup_Actions3bTo3cAnd3eTo3f_StateAfterSaveState_RestoresAllButResettablePcrs()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.Send(new DisableForceClear(), default);
        TpmDigest measured = Extend(tpm, 4);
        Extend(tpm, 16);
        Extend(tpm, 23);
        LoadedKey loaded = tpm.State.Permanent.Data.Srk! with { Handle = 0x01000002 };
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Add(loaded), StClearData = tpm.State.StClearData with { CountId = 5 } };
        TpmStClearFlags flags = tpm.State.StClearFlags;
        tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new SaveState(), default);

        tpm.PowerCycle(TpmStartupType.State);

        Assert.Equal(measured, Read(tpm, 4));
        Assert.Equal(default, Read(tpm, 16));
        Assert.Equal(default, Read(tpm, 23));
        Assert.Equal(flags, tpm.State.StClearFlags);
        Assert.True(flags.PhysicalPresence && flags.DisableForceClear);
        Assert.Equal(5u, tpm.State.StClearData.CountId);
        Assert.Equal((loaded.Handle, loaded.PubDataDigest), OnlyKey(tpm));
        Assert.Equal(0, tpm.State.Sessions.Count);
        AssertNothingSaved(tpm);
        Assert.Null(tpm.State.Permanent.SavedState);
    }

    [Fact]
    public void Startup_Action3a_StateWithoutSavedState_FailureModeUntilNextInit()
    {
        var tpm = new TestTpm(started: false);
        Assert.Equal(TpmResult.FailedSelfTest, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = TpmStartupType.State }));
        Assert.Equal(TpmResult.FailedSelfTest, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = TpmStartupType.Clear }));
        Assert.Equal(TpmResult.FailedSelfTest, tpm.ResultOf(new Extend(), new ExtendRequest { InDigest = Measurement }));
        Assert.Equal("00000005", Convert.ToHexString(tpm.Send(new GetTestResult(), default).OutData.Span));
        tpm.PowerCycle();
        Assert.Equal(default, Read(tpm, 0));
    }

    [Fact]
    public void Startup_Action3a_SavedStateMadeStaleByExtend_FailureMode()
    {
        var tpm = new TestTpm();
        tpm.Send(new SaveState(), default);
        Extend(tpm, 4);
        tpm.PowerCycle(startup: null);
        Assert.Equal(TpmResult.FailedSelfTest, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = TpmStartupType.State }));
    }

    [Fact]
    public void Startup_Actions4aTo4c_Deactivated_AnswersDeactivatedUntilNextInit()
    {
        TestTpm tpm = Used();
        tpm.Send(new SaveState(), default);
        tpm.PowerCycle(TpmStartupType.Deactivated);
        Assert.Equal(0, tpm.State.Sessions.Count);
        AssertNothingSaved(tpm);
        Assert.Equal(new TpmStClearFlags { Deactivated = true }, tpm.State.StClearFlags);
        Assert.Equal(TpmResult.Deactivated, tpm.ResultOf(new PcrRead(), default));
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new Extend(), new ExtendRequest { InDigest = Measurement }));
        Assert.False(tpm.State.Permanent.Flags.Deactivated);
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new PcrRead(), default));
    }

    [Theory]
    [InlineData(TpmStartupType.Clear)]
    [InlineData(TpmStartupType.State)]
    [InlineData(TpmStartupType.Deactivated)]
    public void Startup_Action5_Any_InvalidatesSavedState(TpmStartupType type)
    {
        var tpm = new TestTpm();
        tpm.Send(new SaveState(), default);
        Assert.NotNull(tpm.State.Permanent.SavedState);
        tpm.PowerCycle(type);
        Assert.Null(tpm.State.Permanent.SavedState);
        tpm.PowerCycle(startup: null);
        Assert.Equal(TpmResult.FailedSelfTest, tpm.ResultOf(new StartupCommand(), new StartupRequest { StartupType = TpmStartupType.State }));
    }

    [Theory]
    [InlineData(TpmStartupType.Clear)]
    [InlineData(TpmStartupType.State)]
    [InlineData(TpmStartupType.Deactivated)]
    public void Startup_Action6_Any_CommandsAreNoLongerRefused(TpmStartupType type)
    {
        var tpm = new TestTpm();
        tpm.Send(new SaveState(), default);
        tpm.PowerCycle(startup: null);
        Assert.Equal(TpmResult.InvalidPostInit, tpm.ResultOf(new GetTestResult(), default));
        tpm.Startup(type);
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new GetTestResult(), default));
    }

    [Fact]
    public void SaveState_Actions1aAnd1b_ResettablePcrs_AreNotKept()
    {
        var tpm = new TestTpm();
        TpmDigest measured = Extend(tpm, 15);
        Extend(tpm, 16);
        Extend(tpm, 23);
        tpm.Send(new SaveState(), default);
        PcrBank kept = tpm.State.Permanent.SavedState!.Pcrs;
        Assert.Equal((measured, default, default, TpmDigest.AllOnes), (kept[15], kept[16], kept[23], kept[17]));
    }

    /// <summary>As the startup effects say that TPM_GetCapability answers: every TPM_Startup begins a new audit session.</summary>
    [Fact]
    public void StartupAndSaveState_Actions2And3d_AuditDigest_IsNotKept()
    {
        TestTpm tpm = Used();
        Assert.NotEqual(default, tpm.State.StAnyData.AuditDigest);
        Assert.NotEqual(0u, tpm.GetProperty(TpmCapabilityProperty.StartupEffect) & (uint)TpmStartupEffects.AuditDigestByAny);
        tpm.Send(new SaveState(), default);
        tpm.PowerCycle(TpmStartupType.State);
        Assert.Equal(default, tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void SaveState_Actions3To6_VolatileDataFlagsAndKeys_AreKept()
    {
        TestTpm tpm = Used();
        LoadedKey srk = tpm.State.Permanent.Data.Srk!;
        LoadedKey underPcrs = srk with { Handle = 0x01000001, ParentPcrStatus = true };
        LoadedKey pinned = srk with { Handle = 0x01000002, OwnerEvict = true };
        tpm.State = tpm.State with { Keys = HandleTable<LoadedKey>.Of([underPcrs, pinned]) };
        tpm.Send(new SaveState(), default);
        SavedState kept = tpm.State.Permanent.SavedState!;
        Assert.Equal(tpm.State.StClearData, kept.StClearData);
        Assert.Equal(tpm.State.StClearFlags, kept.StClearFlags);
        Assert.Equal([underPcrs, pinned], kept.Keys.Items.ToArray());
    }

    [Fact]
    public void SaveState_ThenReadOnlyCommand_StaysGood()
    {
        var tpm = new TestTpm();
        TpmDigest measured = Extend(tpm, 4);
        tpm.Send(new SaveState(), default);
        Read(tpm, 4);
        tpm.PowerCycle(TpmStartupType.State);
        Assert.Equal(measured, Read(tpm, 4));
    }

    /// <summary>An owned TPM with something in every place that starting resets.</summary>
    private static TestTpm Used()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.AssertPresence();
        Extend(tpm, 4);
        Extend(tpm, 16);
        tpm.Send(new DisableForceClear(), default);
        tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.State = tpm.State with
        {
            StClearFlags = tpm.State.StClearFlags with { PhysicalPresenceLock = true, BGlobalLock = true },
            StClearData = tpm.State.StClearData with { ContextNonceKey = tpm.NewNonce(), CountId = 7, OwnerReference = 1, DeferredPhysicalPresence = 1 },
            StAnyData = tpm.State.StAnyData with { ContextNonceSession = tpm.NewNonce(), ContextCount = 4, ContextList = [4] },
        };
        return tpm;
    }

    private static void AssertNothingSaved(TestTpm tpm)
    {
        StAnyData data = tpm.State.StAnyData;
        Assert.Equal((default, 0u), (data.ContextNonceSession, data.ContextCount));
        Assert.Empty(data.ContextList);
    }

    private static TpmDigest Extend(TestTpm tpm, uint pcr) =>
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = pcr, InDigest = Measurement }).OutDigest;

    private static TpmDigest Read(TestTpm tpm, uint pcr) => tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = pcr }).OutDigest;

    private static (uint Handle, TpmDigest PubDataDigest) OnlyKey(TestTpm tpm)
    {
        LoadedKey key = Assert.Single(tpm.State.Keys.Items.ToArray());
        return (key.Handle, key.PubDataDigest);
    }
}
