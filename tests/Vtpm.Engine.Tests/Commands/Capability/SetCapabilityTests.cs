using Vtpm.Engine.Commands.Capability;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Capability;

public class SetCapabilityTests
{
    private static readonly byte[] True = [1];
    private static readonly byte[] False = [0];

    [Fact]
    public void SetCapability_Action1_WrongOwnerAuth_AuthFail()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.AuthFail, Set(tpm, TpmPermanentFlag.ReadPubek, False, tpm.Oiap(TestTpm.WellKnown)));
    }

    [Theory]
    [InlineData(TpmPermanentFlag.Disable)]
    [InlineData(TpmPermanentFlag.ReadPubek)]
    [InlineData(TpmPermanentFlag.ReadSrkPub)]
    [InlineData(TpmPermanentFlag.DisableOwnerClear)]
    [InlineData(TpmPermanentFlag.DisableFullDALogicInfo)]
    public void SetCapability_Action3_PermanentFlagOfTheOwner_IsSetByTheOwner(TpmPermanentFlag flag)
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.Success, Set(tpm, flag, True, tpm.AsOwner()));
        byte[] flags = tpm.GetCapability(TpmCapability.Flag, (uint)TpmCapabilityFlag.Permanent);
        Assert.Equal(1, flags[1 + (int)flag]);
    }

    [Theory]
    [InlineData(TpmPermanentFlag.ReadPubek)]
    [InlineData(TpmPermanentFlag.ReadSrkPub)]
    [InlineData(TpmPermanentFlag.DisableOwnerClear)]
    [InlineData(TpmPermanentFlag.AllowMaintenance)]
    [InlineData(TpmPermanentFlag.DisableFullDALogicInfo)]
    public void SetCapability_Action2_PermanentFlagOfTheOwnerWithoutAuthorization_AuthFail(TpmPermanentFlag flag)
    {
        TestTpm tpm = Owned();
        tpm.AssertPresence();
        Assert.Equal(TpmResult.AuthFail, Set(tpm, flag, True));
    }

    [Theory]
    [InlineData(TpmPermanentFlag.PhysicalPresenceLifetimeLock)]
    [InlineData(TpmPermanentFlag.PhysicalPresenceHwEnable)]
    [InlineData(TpmPermanentFlag.PhysicalPresenceCmdEnable)]
    [InlineData(TpmPermanentFlag.CekpUsed)]
    [InlineData(TpmPermanentFlag.TpmPost)]
    [InlineData(TpmPermanentFlag.TpmPostLock)]
    [InlineData(TpmPermanentFlag.Fips)]
    [InlineData(TpmPermanentFlag.Operator)]
    [InlineData(TpmPermanentFlag.EnableRevokeEK)]
    [InlineData(TpmPermanentFlag.NvLocked)]
    [InlineData(TpmPermanentFlag.MaintenanceDone)]
    [InlineData((TpmPermanentFlag)0)]
    [InlineData((TpmPermanentFlag)21)]
    public void SetCapability_Action4_PermanentFlagThatCannotBeSet_BadParameter(TpmPermanentFlag flag)
    {
        TestTpm tpm = Owned();
        tpm.AssertPresence();
        tpm.Locality = 4;
        Assert.Equal(TpmResult.BadParameter, Set(tpm, flag, True, tpm.AsOwner()));
        Assert.Equal(TpmResult.BadParameter, Set(tpm, flag, True));
    }

    [Fact]
    public void SetCapability_Actions2And3_Disable_ByPresenceOrOwner()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadPresence, Set(tpm, TpmPermanentFlag.Disable, True));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.Disable, True));
        Assert.True(tpm.State.Permanent.Flags.Disable);
        tpm.AssertPresence(false);
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.Disable, False, tpm.AsOwner()));
        Assert.False(tpm.State.Permanent.Flags.Disable);
    }

    [Fact]
    public void SetCapability_Actions2And3_Ownership_ByPresenceWhileThereIsNoOwner()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.BadPresence, Set(tpm, TpmPermanentFlag.Ownership, False));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.Ownership, False));
        Assert.False(tpm.State.Permanent.Flags.Ownership);
        Disable(tpm);
        Assert.Equal(TpmResult.Disabled, Set(tpm, TpmPermanentFlag.Ownership, True));
    }

    [Fact]
    public void SetCapability_Action2_OwnershipWithOwner_OwnerSet()
    {
        TestTpm tpm = Owned();
        tpm.AssertPresence();
        Assert.Equal(TpmResult.OwnerSet, Set(tpm, TpmPermanentFlag.Ownership, False));
        Assert.Equal(TpmResult.BadParameter, Set(tpm, TpmPermanentFlag.Ownership, False, tpm.AsOwner()));
    }

    [Fact]
    public void SetCapability_Actions2And3_Deactivated_ByPresenceAndInForceAfterStartup()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadPresence, Set(tpm, TpmPermanentFlag.Deactivated, True));
        Assert.Equal(TpmResult.BadParameter, Set(tpm, TpmPermanentFlag.Deactivated, True, tpm.AsOwner()));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.Deactivated, True));
        Assert.False(tpm.State.StClearFlags.Deactivated);
        tpm.PowerCycle();
        Assert.True(tpm.State.StClearFlags.Deactivated);
        Disable(tpm);
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Disabled, Set(tpm, TpmPermanentFlag.Deactivated, False));
    }

    [Theory]
    [InlineData(TpmPermanentFlag.DisableOwnerClear, false)]
    [InlineData(TpmPermanentFlag.AllowMaintenance, true)]
    public void SetCapability_Action2_FlagOfOneWayTheOtherWay_BadParameter(TpmPermanentFlag flag, bool value)
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadParameter, Set(tpm, flag, value ? True : False, tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, Set(tpm, flag, value ? False : True, tpm.AsOwner()));
    }

    [Theory]
    [InlineData(TpmPermanentFlag.ReadPubek)]
    [InlineData(TpmPermanentFlag.ReadSrkPub)]
    [InlineData(TpmPermanentFlag.DisableOwnerClear)]
    public void SetCapability_Action2_FlagOfTheOwnerWhileDisabled_Disabled(TpmPermanentFlag flag)
    {
        TestTpm tpm = Owned();
        Disable(tpm);
        Assert.Equal(TpmResult.Disabled, Set(tpm, flag, True, tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.Disable, False, tpm.AsOwner()));
        tpm.State = tpm.State with { StClearFlags = tpm.State.StClearFlags with { Deactivated = true } };
        Assert.Equal(TpmResult.Deactivated, Set(tpm, flag, True, tpm.AsOwner()));
    }

    [Fact]
    public void SetCapability_Actions2And3_TpmEstablished_IsClearedFromLocality3Or4()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { TpmEstablished = true } } };
        Assert.Equal(TpmResult.BadLocality, Set(tpm, TpmPermanentFlag.TpmEstablished, False));
        tpm.Locality = 3;
        Assert.Equal(TpmResult.BadParameter, Set(tpm, TpmPermanentFlag.TpmEstablished, True));
        Assert.Equal(TpmResult.Success, Set(tpm, TpmPermanentFlag.TpmEstablished, False));
        Assert.False(tpm.State.Permanent.Flags.TpmEstablished);
    }

    [Theory]
    [InlineData("")]
    [InlineData("02")]
    [InlineData("0001")]
    [InlineData("00000001")]
    public void SetCapability_ValueThatIsNoBool_BadParameter(string value)
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadParameter, Set(tpm, TpmPermanentFlag.ReadPubek, Convert.FromHexString(value), tpm.AsOwner()));
    }

    [Fact]
    public void SetCapability_Actions2And3_RestrictDelegate_IsTheOwners()
    {
        TestTpm tpm = Owned();
        const uint Member = (uint)TpmPermanentDataMember.RestrictDelegate;
        Assert.Equal(TpmResult.AuthFail, tpm.SetCapability(TpmSetCapability.PermData, Member, [0x80, 0, 0, 0]));
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.PermData, Member, [0x80], tpm.AsOwner()));
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.PermData, Member, [0x80, 0, 0, 0, 0], tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.PermData, Member, [0x80, 0, 0, 0], tpm.AsOwner()));
        Assert.Equal(0x80000000u, tpm.GetProperty(TpmCapabilityProperty.CmkRestriction));
    }

    [Fact]
    public void SetCapability_Action3_DaaProof_IsMadeAnew()
    {
        TestTpm tpm = Owned();
        PermanentData before = tpm.State.Permanent.Data;
        const uint Member = (uint)TpmPermanentDataMember.DaaProof;
        Assert.Equal(TpmResult.AuthFail, tpm.SetCapability(TpmSetCapability.PermData, Member, []));
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.PermData, Member, new byte[20], tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.PermData, Member, [], tpm.AsOwner()));
        Assert.NotEqual(before.DaaProof, tpm.State.Permanent.Data.DaaProof);
        Assert.NotEqual(before.DaaSeed, tpm.State.Permanent.Data.DaaSeed);
    }

    [Fact]
    public void SetCapability_Actions2And3_DisableForceClear_GoesOneWayUntilStartup()
    {
        var tpm = new TestTpm();
        const uint Flag = (uint)TpmStClearFlag.DisableForceClear;
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.StClearFlags, Flag, False));
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.StClearFlags, Flag, True));
        Assert.True(tpm.State.StClearFlags.DisableForceClear);
        Disable(tpm);
        Assert.Equal(TpmResult.Disabled, tpm.SetCapability(TpmSetCapability.StClearFlags, Flag, True));
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.StClearFlags, (uint)TpmStClearFlag.PhysicalPresence, True));
    }

    [Fact]
    public void SetCapability_Actions2And3_DeferredPhysicalPresence_SetWithPresenceClearedWithout()
    {
        var tpm = new TestTpm();
        const uint Member = (uint)TpmStClearDataMember.DeferredPhysicalPresence;
        Assert.Equal(TpmResult.BadPresence, tpm.SetCapability(TpmSetCapability.StClearData, Member, [0, 0, 0, 1]));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.StClearData, Member, [0, 0, 0, 1]));
        tpm.AssertPresence(false);
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.StClearData, Member, [0, 0, 0, 1]));
        Assert.Equal(TpmResult.BadPresence, tpm.SetCapability(TpmSetCapability.StClearData, Member, [0, 0, 0, 3]));
        Assert.Equal(1u, tpm.State.StClearData.DeferredPhysicalPresence);
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.StClearData, Member, [0, 0, 0, 0]));
        Assert.Equal(0u, tpm.State.StClearData.DeferredPhysicalPresence);
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.StClearData, (uint)TpmStClearDataMember.CountId, [0, 0, 0, 0]));
    }

    [Fact]
    public void SetCapability_Actions2And3_TosPresent_IsClearedFromLocality3Or4()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with { StAnyFlags = tpm.State.StAnyFlags with { TosPresent = true } };
        const uint Flag = (uint)TpmStAnyFlag.TosPresent;
        Assert.Equal(TpmResult.BadLocality, tpm.SetCapability(TpmSetCapability.StAnyFlags, Flag, False));
        tpm.Locality = 4;
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.StAnyFlags, Flag, True));
        Assert.Equal(TpmResult.Success, tpm.SetCapability(TpmSetCapability.StAnyFlags, Flag, False));
        Assert.False(tpm.State.StAnyFlags.TosPresent);
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(TpmSetCapability.StAnyFlags, (uint)TpmStAnyFlag.PostInitialise, True));
    }

    [Theory]
    [InlineData(TpmSetCapability.StAnyData, 0)]
    [InlineData(TpmSetCapability.Vendor, 0)]
    [InlineData(TpmSetCapability.Vendor, 8)]
    [InlineData((TpmSetCapability)9, 0)]
    public void SetCapability_Action4_AreaWithNothingToSet_BadParameter(TpmSetCapability area, int locality)
    {
        TestTpm tpm = Owned();
        tpm.Locality = locality;
        Assert.Equal(TpmResult.BadParameter, tpm.SetCapability(area, 1, True, tpm.AsOwner()));
    }

    [Fact]
    public void SetCapability_SubCapOfWrongLength_BadParameter() => Assert.Equal(
        TpmResult.BadParameter,
        new TestTpm().ResultOf(new SetCapability(), new SetCapabilityRequest { CapArea = TpmSetCapability.PermFlags, SubCap = True, SetValue = True }));

    [Fact]
    public void GetCapabilityOwner_Actions2To4_FlagsOfBothStructures_BitByBit()
    {
        TestTpm tpm = Owned();
        tpm.AssertPresence();
        GetCapabilityOwnerResponse response = tpm.Send(new GetCapabilityOwner(), default, tpm.AsOwner());
        Assert.Equal((1, 2, 0, 7), (response.Version.Major, response.Version.Minor, response.Version.RevMajor, response.Version.RevMinor));
        TpmPermanentFlags flags = tpm.State.Permanent.Flags;
        Assert.Equal(flags.Ownership, (response.NonVolatileFlags >> 1 & 1) == 1);
        Assert.Equal(flags.ReadPubek, (response.NonVolatileFlags >> 3 & 1) == 1);
        Assert.Equal(1u, response.NonVolatileFlags >> 8 & 1);
        Assert.Equal(4u, response.VolatileFlags);
    }

    [Fact]
    public void GetCapabilityOwner_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new GetCapabilityOwner(), default, tpm.Oiap(TestTpm.WellKnown)));
    }

    private static TpmResult Set(TestTpm tpm, TpmPermanentFlag flag, byte[] value, params TestAuth[] auths) =>
        tpm.SetCapability(TpmSetCapability.PermFlags, (uint)flag, value, auths);

    private static void Disable(TestTpm tpm) =>
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = true } } };

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }
}
