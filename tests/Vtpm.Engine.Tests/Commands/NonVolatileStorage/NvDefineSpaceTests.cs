using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.NonVolatileStorage;

public class NvDefineSpaceTests
{
    private const TpmNvPermission ReadWriteByOwner = TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite;

    [Fact]
    public void NvDefineSpace_Actions1bAnd1c_LockIndex_LocksForGood()
    {
        var tpm = new TestTpm();
        tpm.LockNv();
        Assert.True(tpm.State.Permanent.Flags.NvLocked);
        tpm.LockNv();
        tpm.PowerCycle();
        Assert.True(tpm.State.Permanent.Flags.NvLocked);
    }

    [Fact]
    public void NvDefineSpace_Action1a_LockIndexWithSize_BadIndex()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.BadIndex, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.None, 1, TpmNvIndex.Lock)));
        Assert.False(tpm.State.Permanent.Flags.NvLocked);
    }

    [Fact]
    public void NvDefineSpace_Action1b_BytesOfARealTool_Locks()
    {
        var tpm = new TestTpm();
        byte[] request = Convert.FromHexString(
            "00c100000065000000cc0018ffffffff00030000001f000000000000000000000000000000000000000000030000001f"
            + "0000000000000000000000000000000000000000001700000000000000000000000000000000000000000000000000000000000000");
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(tpm.Execute(request)));
        Assert.True(tpm.State.Permanent.Flags.NvLocked);
    }

    [Fact]
    public void NvDefineSpace_Actions2aAnd6g_NotLocked_NeedsNoPresenceAndTakesTheDBit()
    {
        var tpm = new TestTpm();
        TpmNvDataPublic permanent = TestTpm.NvPublic(TpmNvPermission.OwnerWrite, 16, TpmNvIndex.D | TpmNvIndex.EKCert);
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(permanent));
        permanent.DataSize = 0;
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(permanent));
        Assert.Equal(0, tpm.State.Permanent.Nv.Areas.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NvDefineSpace_Action2a_DisabledOrDeactivated_OnlyWhileNotLocked(bool disabled)
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = disabled } },
            StClearFlags = tpm.State.StClearFlags with { Deactivated = !disabled },
        };
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        tpm.LockNv();
        TpmResult expected = disabled ? TpmResult.Disabled : TpmResult.Deactivated;
        Assert.Equal(expected, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
    }

    [Theory]
    [InlineData(TpmNvIndex.Index0, false)]
    [InlineData(TpmNvIndex.Index0, true)]
    [InlineData(TpmNvIndex.Dir, false)]
    [InlineData(TpmNvIndex.D | 0x101, true)]
    public void NvDefineSpace_Actions2bAnd3_ReservedIndex_BadIndex(uint index, bool nvLocked)
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        if (nvLocked) tpm.LockNv();
        Assert.Equal(TpmResult.BadIndex, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite, 16, index)));
    }

    [Fact]
    public void NvDefineSpace_Action4a_WrongOwnerAuth_AuthFail()
    {
        TestTpm tpm = Owned();
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        osap.Key[0] ^= 1;
        var request = new NvDefineSpaceRequest { PubInfo = TestTpm.NvPublic(ReadWriteByOwner) };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new NvDefineSpace(), request, osap));
        Assert.Null(tpm.State.Permanent.Nv.Find(TestTpm.NvIndex));
    }

    [Fact]
    public void NvDefineSpace_Action4b_OiapSession_BadMode()
    {
        TestTpm tpm = Owned();
        var request = new NvDefineSpaceRequest { PubInfo = TestTpm.NvPublic(ReadWriteByOwner) };
        Assert.Equal(TpmResult.BadMode, tpm.ResultOf(new NvDefineSpace(), request, tpm.AsOwner()));
    }

    [Fact]
    public void NvDefineSpace_Action5a_NoPresence_BadPresence()
    {
        var tpm = new TestTpm();
        tpm.LockNv();
        Assert.Equal(TpmResult.BadPresence, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
    }

    [Fact]
    public void NvDefineSpace_Action5b_OwnedWithoutAuthorization_OwnerSet()
    {
        TestTpm tpm = Owned();
        tpm.AssertPresence();
        Assert.Equal(TpmResult.OwnerSet, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
    }

    [Fact]
    public void NvDefineSpace_Action5c_DeleteWithoutOwner_BadDataSize()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.LockNv();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.BadDataSize, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite, size: 0)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NvDefineSpace_Actions5dAnd12c_TooManyUnownedWrites_MaxNvWrites(bool nvLocked)
    {
        var tpm = new TestTpm(TpmProfile.Xen with { NvWritesWithoutOwner = 2 });
        tpm.AssertPresence();
        if (nvLocked) tpm.LockNv();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1]));
        Assert.Equal(2u, tpm.State.Permanent.Data.NoOwnerNvWrite);
        Assert.Equal(TpmResult.MaxNvWrites, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.MaxNvWrites, tpm.WriteNv([2]));
    }

    [Fact]
    public void NvDefineSpace_Action6b_GloballyLockedArea_AreaLocked()
    {
        TestTpm tpm = Owned();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.GlobalLock));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0));
        Assert.Equal(TpmResult.AreaLocked, tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite)));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite)));
    }

    [Fact]
    public void NvDefineSpace_Action6c_WriteLockedArea_AreaLocked()
    {
        TestTpm tpm = Owned();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.WriteStClear));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.AreaLocked, tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, size: 0)));
    }

    [Fact]
    public void NvDefineSpace_Action6d_Redefined_HoldsNothingOfBefore()
    {
        TestTpm tpm = Owned();
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1, 2, 3], auths: tpm.AsOwner()));
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner, size: 5));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(5, out byte[] data, auths: tpm.AsOwner()));
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF, 0xFF], data);
    }

    [Fact]
    public void NvDefineSpace_Action6d_RedefinitionThatFails_KeepsTheArea()
    {
        TestTpm tpm = Owned();
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner));
        Assert.Equal(TpmResult.NoSpace, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, size: uint.MaxValue)));
        Assert.Equal(16, tpm.State.Permanent.Nv.Find(TestTpm.NvIndex)!.Data.Length);
    }

    [Fact]
    public void NvDefineSpace_Actions6fAnd6g_Deleted_EndsItsSessionsAndIsGone()
    {
        TestTpm tpm = Owned();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite));
        TestAuth osap = tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex, TestTpm.NvAuth);
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.None, size: 0));
        Assert.Null(tpm.State.Permanent.Nv.Find(TestTpm.NvIndex));
        Assert.Null(tpm.State.Sessions.Find(osap.Handle));
        Assert.Equal(TpmResult.BadParamSize, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, size: 0)));
    }

    [Fact]
    public void NvDefineSpace_Action7_SelectionOfTooManyPcrs_InvalidStructure()
    {
        TestTpm tpm = Owned();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByOwner);
        pubInfo.PcrInfoRead.PcrSelection = new TpmPcrSelection { PcrSelect = new byte[4] };
        Assert.Equal(TpmResult.InvalidStructure, tpm.TryDefineNv(pubInfo));
    }

    [Fact]
    public void NvDefineSpace_Action7_SelectionOfNoBytes_SelectsNothing()
    {
        TestTpm tpm = Owned();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite);
        pubInfo.PcrInfoRead.PcrSelection = default;
        tpm.DefineNv(pubInfo);
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Theory]
    [InlineData(0x00)]
    [InlineData(0x20)]
    public void NvDefineSpace_Action8a_LocalitiesThatThereAreNot_InvalidStructure(byte localities)
    {
        TestTpm tpm = Owned();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByOwner);
        pubInfo.PcrInfoWrite.LocalityAtRelease = (TpmLocalitySelection)localities;
        Assert.Equal(TpmResult.InvalidStructure, tpm.TryDefineNv(pubInfo));
    }

    [Fact]
    public void NvDefineSpace_Action9a_LocksOfTheCaller_AreIgnored()
    {
        TestTpm tpm = Owned();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.WriteDefine);
        (pubInfo.BReadStClear, pubInfo.BWriteStClear, pubInfo.BWriteDefine) = (true, true, true);
        tpm.DefineNv(pubInfo);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
    }

    [Theory]
    [InlineData(TpmNvPermission.OwnerWrite | TpmNvPermission.AuthWrite, TpmResult.AuthConflict)]
    [InlineData(TpmNvPermission.OwnerWrite | TpmNvPermission.OwnerRead | TpmNvPermission.AuthRead, TpmResult.AuthConflict)]
    [InlineData(TpmNvPermission.OwnerRead, TpmResult.PerNoWrite)]
    [InlineData(TpmNvPermission.GlobalLock | TpmNvPermission.WriteStClear | TpmNvPermission.WriteAll, TpmResult.PerNoWrite)]
    [InlineData(TpmNvPermission.WriteDefine, TpmResult.Success)]
    [InlineData(TpmNvPermission.PPWrite, TpmResult.Success)]
    public void NvDefineSpace_Actions9bTo9d_Attributes_MustBeConsistent(TpmNvPermission permission, TpmResult expected) =>
        Assert.Equal(expected, Owned().TryDefineNv(TestTpm.NvPublic(permission)));

    [Fact]
    public void NvDefineSpace_Action9d_SomeLocalitiesOnly_ControlWriting()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.None);
        pubInfo.PcrInfoWrite = TestTpm.AnyPcrs(TpmLocalitySelection.Two);
        Assert.Equal(TpmResult.Success, Owned().TryDefineNv(pubInfo));
    }

    [Theory]
    [InlineData(0x00020001u, TpmResult.BadIndex)]
    [InlineData(0x00030001u, TpmResult.BadIndex)]
    [InlineData(0x00050001u, TpmResult.BadIndex)]
    [InlineData(0x01000001u, TpmResult.BadIndex)]
    [InlineData(0x00000001u, TpmResult.Success)]
    [InlineData(0x00060001u, TpmResult.Success)]
    [InlineData(0x20000001u, TpmResult.Success)]
    [InlineData(0x40020001u, TpmResult.Success)]
    [InlineData(0x80FF0001u, TpmResult.Success)]
    public void NvDefineSpace_Action9e_Index_MustBeForThisPlatform(uint index, TpmResult expected) =>
        Assert.Equal(expected, Owned().TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, 16, index)));

    [Fact]
    public void NvDefineSpace_Actions4cAnd10And12aTo12b_ByOwner_HoldsWhatWasAskedForAndOnes()
    {
        TestTpm tpm = Owned();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite, size: 5);
        pubInfo.PcrInfoWrite = TestTpm.AnyPcrs(TpmLocalitySelection.Zero | TpmLocalitySelection.Three);
        tpm.DefineNv(pubInfo);
        NvArea area = tpm.State.Permanent.Nv.Find(TestTpm.NvIndex)!;
        Assert.Equal(TestTpm.NvAuth, area.Auth.Span.ToArray());
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF, 0xFF], area.Data.ToArray());
        Assert.Equal(WireFormat.ToBytes(pubInfo), tpm.GetCapability(TpmCapability.NvIndex, TestTpm.NvIndex));
    }

    [Fact]
    public void NvDefineSpace_Action5e_WithoutOwner_TheSecretComesInTheClear()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.LockNv();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite)));
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvDefineSpace_Action6e_DeletedBeforeNvLocked_CountsAsAWrite()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite, size: 0)));
        Assert.Equal(2u, tpm.State.Permanent.Data.NoOwnerNvWrite);
    }

    [Fact]
    public void NvDefineSpace_Action11_MemoryTaken_NoSpaceAndReportedTruthfully()
    {
        var tpm = new TestTpm(TpmProfile.Xen with { NvSize = 1000 });
        tpm.TakeOwnership();
        tpm.LockNv();
        int available = tpm.State.Permanent.Nv.Available(tpm.Engine.Platform.Profile);
        Assert.Equal(TpmResult.NoSpace, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, (uint)available + 1)));
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner, (uint)available));
        Assert.Equal(1000, tpm.State.Permanent.Nv.Used);
        Assert.Equal(TpmResult.NoSpace, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, 1, TestTpm.NvIndex + 1)));
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner, (uint)available - 1));
    }

    [Fact]
    public void NvDefineSpace_Action12_TrialIndex_TellsOnlyWhetherThereIsRoom()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, 100, TpmNvIndex.Trial)));
        Assert.Equal(TpmResult.NoSpace, tpm.TryDefineNv(TestTpm.NvPublic(ReadWriteByOwner, 100_000, TpmNvIndex.Trial)));
        Assert.Equal(0, tpm.State.Permanent.Nv.Areas.Length);
    }

    [Fact]
    public void NvDefineSpace_Action13_ContinueAsked_SessionEnds()
    {
        TestTpm tpm = Owned();
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = TestTpm.NvPublic(ReadWriteByOwner), EncAuth = TestTpm.EncryptAuth(osap, TestTpm.NvAuth) }, osap);
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void NvDefineSpace_Action9f_NothingToDelete_EndsTheSessionSoThatNobodyRepeatsTheCommand()
    {
        TestTpm tpm = Owned();
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        var delete = new NvDefineSpaceRequest { PubInfo = TestTpm.NvPublic(ReadWriteByOwner, size: 0), EncAuth = TestTpm.EncryptAuth(osap, TestTpm.NvAuth) };
        byte[] seen = TestTpm.Request(new NvDefineSpace(), delete, osap);
        Assert.Equal(TpmResult.BadParamSize, TestTpm.ResultOf(tpm.Execute(seen)));
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner));
        Assert.Equal(TpmResult.InvalidAuthHandle, TestTpm.ResultOf(tpm.Execute(seen)));
        Assert.NotNull(tpm.State.Permanent.Nv.Find(TestTpm.NvIndex));
    }

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.LockNv();
        return tpm;
    }
}
