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
    public void NvWriteValueAuth_RightSecret_ReadValueAuthReadsIt()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1, 2, 3], tpm.Oiap(TestTpm.NvAuth), offset: 8));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(4, out byte[] data, tpm.Oiap(TestTpm.NvAuth), offset: 7));
        Assert.Equal([0xFF, 1, 2, 3], data);
    }

    [Fact]
    public void NvValueAuth_OsapSessionForTheArea_Authorizes()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        TestAuth osap = tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex, TestTpm.NvAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], osap));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, osap));
    }

    [Fact]
    public void NvValueAuth_OsapSessionForAnotherArea_AuthFail()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByAuth, 16, TestTpm.NvIndex + 1));
        TestAuth osap = tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex + 1, TestTpm.NvAuth);
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], osap));
    }

    [Fact]
    public void NvValueAuth_Action1_NoArea_BadIndex()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.BadIndex, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth), index: 7));
        Assert.Equal(TpmResult.BadIndex, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), index: 7));
    }

    [Fact]
    public void NvValueAuth_Action2_AreaOfTheOwner_AuthConflict()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.AuthConflict, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth), index: TpmNvIndex.Dir));
    }

    [Fact]
    public void NvValueAuth_Action3_WrongSecret_AuthFailAndCounted()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(2u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void NvValueAuth_NotLocked_StillNeedsTheSecret()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByAuth));
        Assert.Equal(TpmResult.AuthFail, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvValueAuth_NoOwner_NoSrk()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(ReadWriteByAuth)));
        Assert.Equal(TpmResult.NoSrk, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvValueAuth_Action4_OtherLocality_BadLocality()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByAuth);
        pubInfo.PcrInfoRead = pubInfo.PcrInfoWrite = TestTpm.AnyPcrs(TpmLocalitySelection.Four);
        TestTpm tpm = With(pubInfo);
        Assert.Equal(TpmResult.BadLocality, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.BadLocality, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvValueAuth_Action5_NoPresence_BadPresence()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.PPRead | TpmNvPermission.PPWrite);
        Assert.Equal(TpmResult.BadPresence, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.BadPresence, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvValueAuth_Action6_OtherPcrs_WrongPcrVal()
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

    [Theory]
    [InlineData(TpmNvPermission.WriteDefine)]
    [InlineData(TpmNvPermission.WriteStClear)]
    public void NvWriteValueAuth_Action10_EmptyWrite_Locks(TpmNvPermission attribute)
    {
        TestTpm tpm = With(ReadWriteByAuth | attribute);
        Assert.Equal(TpmResult.Success, tpm.WriteNvAuth([], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action8_GlobalLock_AreaLocked()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.GlobalLock);
        Assert.Equal(TpmResult.Success, tpm.WriteNv([], index: TpmNvIndex.Index0));
        Assert.Equal(TpmResult.AreaLocked, tpm.WriteNvAuth([1], tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvWriteValueAuth_Action11_BeyondTheEnd_NoSpace()
    {
        TestTpm tpm = With(ReadWriteByAuth);
        Assert.Equal(TpmResult.NoSpace, tpm.WriteNvAuth(new byte[17], tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.NoSpace, tpm.ReadNvAuth(17, out _, tpm.Oiap(TestTpm.NvAuth)));
    }

    [Fact]
    public void NvReadValueAuth_Action7_EmptyRead_LocksUntilAWrite()
    {
        TestTpm tpm = With(ReadWriteByAuth | TpmNvPermission.ReadStClear);
        Assert.Equal(TpmResult.Success, tpm.ReadNvAuth(0, out _, tpm.Oiap(TestTpm.NvAuth)));
        Assert.Equal(TpmResult.DisabledCmd, tpm.ReadNvAuth(1, out _, tpm.Oiap(TestTpm.NvAuth)));
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
