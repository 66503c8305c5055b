using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Capability;

public class GetCapabilityTests
{
    private static readonly byte[] Yes = [1];
    private static readonly byte[] No = [0];

    /// <summary>What tpm_version prints of Xen's vTPM: 1.2.0.7, level 2, errata 1, ETHZ, no vendor data.</summary>
    [Fact]
    public void GetCapability_VersionVal_IsThatOfXensTpm() =>
        Assert.Equal("003001020007" + "0002" + "01" + "4554485a" + "0000", Hex(new TestTpm().GetCapability(TpmCapability.VersionVal)));

    [Fact]
    public void GetCapability_Version_Is1100() => Assert.Equal("01010000", Hex(new TestTpm().GetCapability(TpmCapability.Version)));

    [Fact]
    public void GetCapability_Mfr_SaysNothing() => Assert.Empty(new TestTpm().GetCapability(TpmCapability.Mfr));

    [Fact]
    public void GetCapability_Ord_KnowsItsCommandsOnly()
    {
        var tpm = new TestTpm();
        foreach (TpmCommand command in tpm.Engine.Commands.Commands) Assert.Equal(Yes, tpm.GetCapability(TpmCapability.Ord, (uint)command.Traits.Ordinal));
        Assert.Equal(No, tpm.GetCapability(TpmCapability.Ord, 0x12345678));
        Assert.Equal(No, tpm.GetCapability(TpmCapability.Ord, (uint)TpmOrdinal.GetCapabilitySigned));
    }

    [Theory]
    [InlineData(TpmCapability.Alg, (uint)TpmAlgorithmId.Rsa, true)]
    [InlineData(TpmCapability.Alg, (uint)TpmAlgorithmId.Aes256, false)]
    [InlineData(TpmCapability.Alg, 0xFFFFFFFFu, false)]
    [InlineData(TpmCapability.Pid, (uint)TpmProtocolId.Osap, true)]
    [InlineData(TpmCapability.Pid, 8u, false)]
    [InlineData(TpmCapability.AuthEncrypt, (uint)TpmAlgorithmId.Aes128, true)]
    [InlineData(TpmCapability.AuthEncrypt, (uint)TpmAlgorithmId.Xor, true)]
    [InlineData(TpmCapability.AuthEncrypt, (uint)TpmAlgorithmId.Rsa, false)]
    [InlineData(TpmCapability.TransAlg, (uint)TpmAlgorithmId.Mgf1, true)]
    [InlineData(TpmCapability.TransAlg, (uint)TpmAlgorithmId.Rsa, false)]
    [InlineData(TpmCapability.TransES, (uint)TpmEncScheme.SymCtr, true)]
    [InlineData(TpmCapability.TransES, (uint)TpmEncScheme.RsaesOaepSha1Mgf1, false)]
    [InlineData(TpmCapability.TransES, 0x10004u, false)]
    [InlineData(TpmCapability.SymMode, (uint)TpmSymMode.Cbc, false)]
    public void GetCapability_YesOrNo_AnswersTruthfully(TpmCapability area, uint subCap, bool expected) =>
        Assert.Equal(expected ? Yes : No, new TestTpm().GetCapability(area, subCap));

    [Theory]
    [InlineData(TpmCapability.Pid, 2, true)]
    [InlineData(TpmCapability.Pid, 9, false)]
    [InlineData(TpmCapability.TransES, 4, true)]
    public void GetCapability_SubCapOfTwoBytes_IsTaken(TpmCapability area, byte subCap, bool expected) =>
        Assert.Equal(expected ? Yes : No, new TestTpm().GetCapability(area, 0, subCap));

    [Fact]
    public void GetCapability_FlagPermanent_IsTheStructure()
    {
        var tpm = new TestTpm();
        tpm.LockNv();
        byte[] flags = tpm.GetCapability(TpmCapability.Flag, (uint)TpmCapabilityFlag.Permanent);
        Assert.Equal("001f" + "0001000100" + "0000000000" + "0000000000" + "0100000000", Hex(flags));
    }

    [Fact]
    public void GetCapability_FlagVolatile_IsTheStructure()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        Assert.Equal("0020" + "0000010000", Hex(tpm.GetCapability(TpmCapability.Flag, (uint)TpmCapabilityFlag.Volatile)));
    }

    [Theory]
    [InlineData(TpmCapabilityProperty.Pcr, 24u)]
    [InlineData(TpmCapabilityProperty.Dir, 1u)]
    [InlineData(TpmCapabilityProperty.Manufacturer, 0x4554485Au)]
    [InlineData(TpmCapabilityProperty.InputBuffer, 4088u)]
    [InlineData(TpmCapabilityProperty.MinCounter, 0u)]
    [InlineData(TpmCapabilityProperty.ActiveCounter, 0xFFFFFFFFu)]
    [InlineData(TpmCapabilityProperty.CmkRestriction, 0u)]
    public void GetCapability_Property_IsThatOfTheProfile(TpmCapabilityProperty property, uint expected) =>
        Assert.Equal(expected, new TestTpm().GetProperty(property));

    [Fact]
    public void GetCapability_Durations_AreInMicroseconds()
    {
        var tpm = new TestTpm();
        Assert.Equal("002dc6c0" + "002dc6c0" + "23c34600", Hex(tpm.GetCapability(TpmCapability.Property, (uint)TpmCapabilityProperty.Duration)));
        Assert.Equal("000b71b0" + "001e8480" + "000b71b0" + "000b71b0", Hex(tpm.GetCapability(TpmCapability.Property, (uint)TpmCapabilityProperty.TisTimeout)));
    }

    [Fact]
    public void GetCapability_Action1_EveryPropertyOfTheSpecification_IsAnswered()
    {
        var tpm = new TestTpm();
        foreach (TpmCapabilityProperty property in Enum.GetValues<TpmCapabilityProperty>())
        {
            TpmResult expected = property == TpmCapabilityProperty.None ? TpmResult.BadMode : TpmResult.Success;
            Assert.Equal(expected, tpm.TryGetCapability(TpmCapability.Property, TestTpm.BigEndian((uint)property)));
        }
    }

    [Theory]
    [InlineData(TpmCapabilityProperty.MaxKeys, TpmCapabilityProperty.Keys)]
    [InlineData(TpmCapabilityProperty.MaxAuthSess, TpmCapabilityProperty.AuthSess)]
    [InlineData(TpmCapabilityProperty.MaxTransSess, TpmCapabilityProperty.TransSess)]
    [InlineData(TpmCapabilityProperty.MaxSessions, TpmCapabilityProperty.Sessions)]
    [InlineData(TpmCapabilityProperty.MaxCounters, TpmCapabilityProperty.Counters)]
    [InlineData(TpmCapabilityProperty.MaxContext, TpmCapabilityProperty.Context)]
    [InlineData(TpmCapabilityProperty.MaxDaaSess, TpmCapabilityProperty.DaaSess)]
    public void GetCapability_AfterStartup_AllOfAResourceIsLeft(TpmCapabilityProperty limit, TpmCapabilityProperty left)
    {
        var tpm = new TestTpm();
        Assert.Equal(tpm.GetProperty(limit), tpm.GetProperty(left));
    }

    [Fact]
    public void GetCapability_Sessions_CountDownAndAreListed()
    {
        var tpm = new TestTpm();
        uint before = tpm.GetProperty(TpmCapabilityProperty.AuthSess);
        TestAuth first = tpm.Oiap(TestTpm.WellKnown);
        TestAuth second = tpm.Oiap(TestTpm.WellKnown);
        Assert.Equal(before - 2, tpm.GetProperty(TpmCapabilityProperty.AuthSess));
        Assert.Equal("0002" + first.Handle.ToString("x8", null) + second.Handle.ToString("x8", null), Hex(tpm.GetCapability(TpmCapability.Handle, (uint)TpmResourceType.Auth)));
    }

    [Fact]
    public void GetCapability_Keys_AreListedWithoutSrkAndCounted()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal("0000", Hex(tpm.GetCapability(TpmCapability.KeyHandle)));
        LoadedKey key = tpm.State.Permanent.Data.Srk! with { Handle = 0x01020304 };
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Add(key) };
        Assert.Equal("000101020304", Hex(tpm.GetCapability(TpmCapability.KeyHandle)));
        Assert.Equal("000101020304", Hex(tpm.GetCapability(TpmCapability.Handle, (uint)TpmResourceType.Key)));
        Assert.Equal(tpm.GetProperty(TpmCapabilityProperty.MaxKeys) - 1, tpm.GetProperty(TpmCapabilityProperty.Keys));
    }

    [Fact]
    public void GetCapability_KeyStatus_TellsOwnerEvict()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        LoadedKey srk = tpm.State.Permanent.Data.Srk!;
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Add(srk with { Handle = 1 }).Add(srk with { Handle = 2, OwnerEvict = true }) };
        Assert.Equal(No, tpm.GetCapability(TpmCapability.KeyStatus, 1u));
        Assert.Equal(Yes, tpm.GetCapability(TpmCapability.KeyStatus, 2u));
        Assert.Equal(TpmResult.InvalidKeyHandle, tpm.TryGetCapability(TpmCapability.KeyStatus, 0, 0, 0, 3));
    }

    [Theory]
    [InlineData(TpmResourceType.Trans)]
    [InlineData(TpmResourceType.Counter)]
    [InlineData(TpmResourceType.DaaTpm)]
    [InlineData(TpmResourceType.Context)]
    public void GetCapability_HandleOfResourceThatThereIsNone_IsEmpty(TpmResourceType type) =>
        Assert.Equal("0000", Hex(new TestTpm().GetCapability(TpmCapability.Handle, (uint)type)));

    [Fact]
    public void GetCapability_HandleOfContexts_ListsTheirCounts()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData with { ContextList = [7, 9] } };
        Assert.Equal("00020000000700000009", Hex(tpm.GetCapability(TpmCapability.Handle, (uint)TpmResourceType.Context)));
        Assert.Equal(tpm.GetProperty(TpmCapabilityProperty.MaxContext) - 2, tpm.GetProperty(TpmCapabilityProperty.Context));
    }

    [Theory]
    [InlineData(TpmResourceType.Hash)]
    [InlineData(TpmResourceType.Delegate)]
    [InlineData((TpmResourceType)0xFF)]
    public void GetCapability_HandleOfResourceWithoutHandles_BadMode(TpmResourceType type) =>
        Assert.Equal(TpmResult.BadMode, new TestTpm().TryGetCapability(TpmCapability.Handle, TestTpm.BigEndian((uint)type)));

    [Theory]
    [InlineData("00000001000300010000000c000008000000000200000000", true)]
    [InlineData("00000001000300010000000c000010000000000200000000", false)]
    [InlineData("00000006000300010000000c000008000000000200000000", false)]
    public void GetCapability_CheckLoaded_TellsWhetherSuchAKeyFits(string parms, bool expected) =>
        Assert.Equal(expected ? Yes : No, new TestTpm().GetCapability(TpmCapability.CheckLoaded, Convert.FromHexString(parms)));

    [Fact]
    public void GetCapability_CheckLoadedWithAllSlotsTaken_No()
    {
        var tpm = new TestTpm(TpmProfile.Xen with { KeySlots = 0 });
        Assert.Equal(No, tpm.GetCapability(TpmCapability.CheckLoaded, Convert.FromHexString("00000001000300010000000c000008000000000200000000")));
    }

    [Theory]
    [InlineData("01020003", true)]
    [InlineData("01010002", true)]
    [InlineData("01020004", false)]
    [InlineData("01020000", false)]
    [InlineData("02000003", false)]
    public void GetCapability_SelectSize_IsThatOf24Pcrs(string size, bool expected) =>
        Assert.Equal(expected ? Yes : No, new TestTpm().GetCapability(TpmCapability.SelectSize, Convert.FromHexString(size)));

    [Theory]
    [InlineData(0x0Au)]
    [InlineData(0x13u)]
    [InlineData(0x1Bu)]
    [InlineData(0xFFFFFFFFu)]
    public void GetCapability_Action1_AreaThatThereIsNot_BadMode(uint area)
    {
        Assert.Equal(TpmResult.BadMode, new TestTpm().TryGetCapability((TpmCapability)area, 0, 0, 0, 1));
        Assert.Equal(TpmResult.BadMode, new TestTpm().TryGetCapability((TpmCapability)area));
    }

    [Theory]
    [InlineData(TpmCapability.Property)]
    [InlineData(TpmCapability.Flag)]
    public void GetCapability_Action1_SubCapThatThereIsNot_BadMode(TpmCapability area) =>
        Assert.Equal(TpmResult.BadMode, new TestTpm().TryGetCapability(area, 0xFF, 0, 0, 0));

    [Theory]
    [InlineData(TpmCapability.Property, "", TpmResult.BadMode)]
    [InlineData(TpmCapability.Property, "000001", TpmResult.BadMode)]
    [InlineData(TpmCapability.Ord, "0000006500", TpmResult.BadMode)]
    [InlineData(TpmCapability.NvIndex, "01", TpmResult.BadMode)]
    [InlineData(TpmCapability.SelectSize, "010200", TpmResult.BadParameter)]
    [InlineData(TpmCapability.CheckLoaded, "00000001", TpmResult.BadParameter)]
    public void GetCapability_SubCapOfWrongLength_Fails(TpmCapability area, string subCap, TpmResult expected) =>
        Assert.Equal(expected, new TestTpm().TryGetCapability(area, Convert.FromHexString(subCap)));

    [Fact]
    public void GetCapability_AnyArea_DirtiesNothing()
    {
        var tpm = new TestTpm();
        PermanentState before = tpm.State.Permanent;
        foreach (TpmCapability area in Enum.GetValues<TpmCapability>()) tpm.TryGetCapability(area, 0, 0, 1, 8);
        Assert.Same(before, tpm.State.Permanent);
    }

    [Fact]
    public void GetCapability_BeforeStartup_InvalidPostInit() =>
        Assert.Equal(TpmResult.InvalidPostInit, new TestTpm(started: false).TryGetCapability(TpmCapability.Version));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GetCapability_Actions3aTo3f_FailureMode_AnswersWhatIsNamedAndNoMore(bool started)
    {
        var tpm = new TestTpm(started: started);
        tpm.State = tpm.State with { FailureCause = FailureCause.Defect };
        Assert.Equal("01010000", Hex(tpm.GetCapability(TpmCapability.Version)));
        Assert.Equal(15, tpm.GetCapability(TpmCapability.VersionVal).Length);
        Assert.Empty(tpm.GetCapability(TpmCapability.Mfr));
        Assert.Equal(0x4554485Au, tpm.GetProperty(TpmCapabilityProperty.Manufacturer));
        Assert.Equal(12, tpm.GetCapability(TpmCapability.Property, (uint)TpmCapabilityProperty.Duration).Length);
        Assert.Equal(16, tpm.GetCapability(TpmCapability.Property, (uint)TpmCapabilityProperty.TisTimeout).Length);
        Assert.Equal(TpmResult.FailedSelfTest, tpm.TryGetCapability(TpmCapability.Property, TestTpm.BigEndian((uint)TpmCapabilityProperty.Owner)));
        Assert.Equal(TpmResult.FailedSelfTest, tpm.TryGetCapability(TpmCapability.NvList));
    }

    [Fact]
    public void GetCapability_DisabledAndDeactivated_Answers()
    {
        var tpm = new TestTpm();
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = true } },
            StClearFlags = tpm.State.StClearFlags with { Deactivated = true },
        };
        Assert.Equal(No, tpm.GetCapability(TpmCapability.Property, (uint)TpmCapabilityProperty.Owner));
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
