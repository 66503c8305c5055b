using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.NonVolatileStorage;

/// <summary>TPM_NV_WriteValueAuth and TPM_NV_ReadValueAuth.</summary>
public class NvValueAuthTests
{
    private const TpmNvPermission ReadWriteByAuth = TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite;

    [Fact]
    public void NvReadValueAuth_Action9c_RightSecret_ReadsWhatNvWriteValueAuthWrote()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1, 2, 3], tpm.Oiap(TestTpm.NvAuth), offset: 8));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(4, out byte[] data, tpm.Oiap(TestTpm.NvAuth), offset: 7));
        Assert.Equal([0xFF, 1, 2, 3], data);
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_OsapSessionForTheArea_Authorizes()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        TestAuth osap = tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex, TestTpm.NvAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], osap));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, osap));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_OsapSessionForAnotherArea_AuthFail()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByAuth, 16, TestTpm.NvIndex + 1));
        TestAuth osap = tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex + 1, TestTpm.NvAuth);
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], osap));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_Action1_NoArea_BadIndex()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.BadIndex, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth), index: 7));
        Assert.Equal(TpmResult.BadIndex, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), index: 7));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_Action2_AreaOfTheOwner_AuthConflict()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.AuthConflict, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), index: TpmNvIndex.Dir));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_Action3_WrongSecret_AuthFailAndCounted()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(2u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_NotLocked_StillNeedsTheSecret()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByAuth));
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_NoOwner_NoSrk()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(ReadWriteByAuth)));
        Assert.Equal(TpmResult.NoSrk, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action4_OtherLocality_BadLocality()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByAuth);
        pubInfo.PcrInfoWrite = TestTpm.AnyPcrs(TpmLocalitySelection.Four | TpmLocalitySelection.One);
        TestTpm tpm = With(pubInfo);
        Assert.Equal(TpmResult.BadLocality, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        tpm.Locality = 1;
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action5_NoPresence_BadPresence()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.PPWrite);
        Assert.Equal(TpmResult.BadPresence, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvReadValueAuth_Action4_NoPresence_BadPresence()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.PPRead);
        Assert.Equal(TpmResult.BadPresence, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvReadValueAuth_Action5_OtherLocality_BadLocality()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByAuth);
        pubInfo.PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.Four | TpmLocalitySelection.One);
        TestTpm tpm = With(pubInfo);
        Assert.Equal(TpmResult.BadLocality, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
        tpm.Locality = 1;
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuthAndNvReadValueAuth_Action6_OtherPcrs_WrongPcrVal()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByAuth);
        TestTpm tpm = With(pubInfo);
        pubInfo.PcrInfoRead = pubInfo.PcrInfoWrite = NvPcrs.Now(tpm, 2);
        tpm.DefineNv(pubInfo);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 2 });
        Assert.Equal(TpmResult.WrongPcrVal, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.WrongPcrVal, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Actions7And10_WriteDefineAndEmptyWrite_LocksForGood()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.WriteDefine);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Actions9And10_WriteStClearAndEmptyWrite_LocksUntilStartup()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.WriteStClear);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action8_GlobalLock_AreaLocked()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.GlobalLock);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action11b_BeyondTheEnd_NoSpace()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.NoSpace, tpm.WriteNvAuth(new byte[17], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.NoSpace, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth), offset: 16));
        Assert.Equal(TpmResult.NoSpace, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth), offset: uint.MaxValue));
    }

    [Fact]
    public void NvWriteValueAuth_Action11c_WriteAllWithLess_NotFullWrite()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.WriteAll);
        Assert.Equal(TpmResult.NotFullWrite, tpm.WriteNvAuth(new byte[15], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth(new byte[16], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action11d_BytesAtOffset_WritesThereAndNowhereElse()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1, 2, 3], tpm.Oiap(TestTpm.NvAuth), offset: 5));
        Assert.Equal("ffffffffff010203ffffffffffffffff", Convert.ToHexStringLower(tpm.State.Permanent.Nv.Find(TestTpm.NvIndex)!.Data.Span));
    }

    [Fact]
    public void NvReadValueAuth_Action9b_BeyondTheEnd_NoSpace()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.NoSpace, tpm.ReadNvAuth(17, out _, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.NoSpace, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), offset: 16));
        Assert.Equal(TpmResult.NoSpace, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), offset: uint.MaxValue));
    }

    [Fact]
    public void NvReadValueAuth_Actions7And8_EmptyRead_LocksUntilAWrite()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.ReadStClear);
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(0, out byte[] nothing, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Empty(nothing);
        Assert.Equal(TpmResult.DisabledCmd, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action12_AfterReadLock_MakesItReadableAgain()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.ReadStClear);
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(0, out _, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
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
