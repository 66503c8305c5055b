using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.NonVolatileStorage;

public class NvWriteValueTests
{
    [Fact]
    public void NvWriteValue_Action15d_ByOwnerAtOffset_WritesThereAndNowhereElse()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1, 2, 3], offset: 4, auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(8, out byte[] data));
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 0xFF], data);
    }

    [Fact]
    public void NvWriteValue_Written_OutlivesThePower()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1, 2, 3], auths: tpm.AsOwner()));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.ReadNv(3, out byte[] data));
        Assert.Equal([1, 2, 3], data);
    }

    [Fact]
    public void NvWriteValue_SameBytes_DirtiesNothing()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1, 2, 3], auths: tpm.AsOwner()));
        PermanentState before = tpm.State.Permanent;
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1, 2, 3], auths: tpm.AsOwner()));
        Assert.Same(before, tpm.State.Permanent);
    }

    [Fact]
    public void NvWriteValue_Action1a_NotLocked_IgnoresOwnerPresenceLocalityPcrsAndLocks()
    {
        var tpm = new TestTpm();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.PPWrite | TpmNvPermission.WriteDefine | TpmNvPermission.GlobalLock);
        pubInfo.PcrInfoWrite = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(0), LocalityAtRelease = TpmLocalitySelection.Four };
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(pubInfo));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([]));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1]));
    }

    [Fact]
    public void NvWriteValue_Action1b_NotLockedAreaWithAuth_AuthConflict()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.AuthWrite)));
        Assert.Equal(TpmResult.AuthConflict, tpm.WriteNv([1]));
    }

    [Fact]
    public void NvWriteValue_Action1c_NotLockedButWrongAuthorization_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite));
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNv([1], auths: tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([2]));
    }

    [Fact]
    public void NvWriteValue_Action2_NoArea_BadIndex() => Assert.Equal(TpmResult.BadIndex, new TestTpm().WriteNv([1]));

    [Theory]
    [InlineData(TpmNvPermission.OwnerWrite, true, TpmResult.Disabled)]
    [InlineData(TpmNvPermission.OwnerWrite, false, TpmResult.Deactivated)]
    [InlineData(TpmNvPermission.PPWrite, true, TpmResult.Success)]
    [InlineData(TpmNvPermission.PPWrite, false, TpmResult.Success)]
    public void NvWriteValue_Action3a_DisabledOrDeactivated_NotForTheOwner(TpmNvPermission permission, bool disabled, TpmResult expected)
    {
        TestTpm tpm = With(permission);
        tpm.AssertPresence();
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = disabled } },
            StClearFlags = tpm.State.StClearFlags with { Deactivated = !disabled },
        };
        TestAuth[] auths = permission == TpmNvPermission.OwnerWrite ? [tpm.AsOwner()] : [];
        Assert.Equal(expected, tpm.WriteNv([1], auths: auths));
    }

    [Fact]
    public void NvWriteValue_Action4a_OwnerOfAreaNotTheOwners_AuthConflict()
    {
        TestTpm tpm = With(TpmNvPermission.PPWrite);
        tpm.AssertPresence();
        Assert.Equal(TpmResult.AuthConflict, tpm.WriteNv([1], auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvWriteValue_Action4b_WrongSecret_AuthFail()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNv([1], auths: tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void NvWriteValue_Action5a_OwnersAreaWithoutAuthorization_AuthConflict() =>
        Assert.Equal(TpmResult.AuthConflict, With(TpmNvPermission.OwnerWrite).WriteNv([1]));

    [Fact]
    public void NvWriteValue_Actions6aTo6cAnd11_Index0_LocksGlobalLockAreasUntilStartup()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.GlobalLock);
        Assert.Equal(TpmResult.BadIndex, tpm.WriteNv([1], index: TpmNvIndex.Index0));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0, auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNv([1], auths: tpm.AsOwner()));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvWriteValue_Action7_AreaWithItsOwnAuth_AuthConflict() =>
        Assert.Equal(TpmResult.AuthConflict, With(TpmNvPermission.AuthWrite).WriteNv([1]));

    [Theory]
    [InlineData(0, TpmResult.BadLocality)]
    [InlineData(2, TpmResult.Success)]
    [InlineData(33, TpmResult.BadLocality)]
    public void NvWriteValue_Action8_Locality_MustBeAmongThem(int locality, TpmResult expected)
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.None);
        pubInfo.PcrInfoWrite = TestTpm.AnyPcrs(TpmLocalitySelection.Two);
        TestTpm tpm = With(pubInfo);
        tpm.Locality = locality;
        Assert.Equal(expected, tpm.WriteNv([1]));
    }

    [Fact]
    public void NvWriteValue_Action9_NoPresence_BadPresence()
    {
        TestTpm tpm = With(TpmNvPermission.PPWrite);
        Assert.Equal(TpmResult.BadPresence, tpm.WriteNv([1]));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1]));
    }

    [Fact]
    public void NvWriteValue_Actions10And14_WriteDefine_LocksForGood()
    {
        TestTpm tpm = With(TpmNvPermission.WriteDefine);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([7]));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([]));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNv([8]));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNv([8]));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out byte[] data));
        Assert.Equal([7], data);
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.WriteDefine));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([8]));
    }

    [Fact]
    public void NvWriteValue_Actions12And14_WriteStClear_LocksThisAreaUntilStartup()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.WriteStClear);
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite | TpmNvPermission.WriteStClear, 16, TestTpm.NvIndex + 1));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNv([1], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], index: TestTpm.NvIndex + 1, auths: tpm.AsOwner()));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvWriteValue_Action13_OtherPcrs_WrongPcrVal()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite);
        TestTpm tpm = With(pubInfo);
        pubInfo.PcrInfoWrite = NvPcrs.Now(tpm, 0, 5);
        tpm.DefineNv(pubInfo);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 5 });
        Assert.Equal(TpmResult.WrongPcrVal, tpm.WriteNv([2], auths: tpm.AsOwner()));
    }

    [Theory]
    [InlineData(0u, 17)]
    [InlineData(16u, 1)]
    [InlineData(uint.MaxValue, 1)]
    [InlineData(uint.MaxValue - 1, 2)]
    public void NvWriteValue_Action15b_BeyondTheEnd_NoSpace(uint offset, int size)
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.NoSpace, tpm.WriteNv(new byte[size], offset, auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvWriteValue_Action15c_WriteAllWithLess_NotFullWrite()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.WriteAll);
        Assert.Equal(TpmResult.NotFullWrite, tpm.WriteNv(new byte[15], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv(new byte[16], auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvWriteValue_Actions5bAnd15e_NoOwner_CountsWritesButNotLocks()
    {
        var tpm = new TestTpm();
        tpm.AssertPresence();
        tpm.LockNv();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1]));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([]));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0));
        Assert.Equal(2u, tpm.State.Permanent.Data.NoOwnerNvWrite);
    }

    [Fact]
    public void NvWriteValue_Action16_AfterReadLock_MakesItReadableAgain()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.ReadStClear);
        Assert.Equal(TpmResult.Success, tpm.ReadNv(0, out _));
        Assert.Equal(TpmResult.DisabledCmd, tpm.ReadNv(1, out _));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([1], auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvWriteValue_Dir_IsTheOwnersAndWholeAndTakesEmptyWrites()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        byte[] value = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];
        Assert.Equal(TpmResult.AuthConflict, tpm.WriteNv(value, index: TpmNvIndex.Dir));
        Assert.Equal(TpmResult.NotFullWrite, tpm.WriteNv([1], index: TpmNvIndex.Dir, auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv(value, index: TpmNvIndex.Dir, auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Dir, auths: tpm.AsOwner()));
        Assert.Equal(value, tpm.State.Permanent.Data.AuthDir.ReadOnlySpan.ToArray());
        Assert.Equal(TpmResult.Success, tpm.ReadNv(2, out byte[] part, offset: 18, index: TpmNvIndex.Dir));
        Assert.Equal([19, 20], part);
    }

    private static TestTpm With(TpmNvPermission permission) => With(TestTpm.NvPublic(permission));

    private static TestTpm With(in TpmNvDataPublic pubInfo)
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.LockNv();
        tpm.DefineNv(pubInfo);
        return tpm;
    }
}
