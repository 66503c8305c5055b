using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.NonVolatileStorage;

public class NvReadValueTests
{
    private const TpmNvPermission ReadWriteByOwner = TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite;

    [Fact]
    public void NvReadValue_Action11c_ByOwner_ReadsWhatWasWritten()
    {
        TestTpm tpm = With(ReadWriteByOwner);
        Assert.Equal(TpmResult.Success, tpm.WriteNv("hello world"u8.ToArray(), auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(5, out byte[] data, offset: 6, auths: tpm.AsOwner()));
        Assert.Equal("world"u8.ToArray(), data);
    }

    [Fact]
    public void NvReadValue_Action1a_NotLocked_IgnoresOwnerPresenceLocalityPcrsAndLock()
    {
        var tpm = new TestTpm();
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(ReadWriteByOwner | TpmNvPermission.PPRead | TpmNvPermission.ReadStClear);
        pubInfo.PcrInfoRead = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(0), LocalityAtRelease = TpmLocalitySelection.Four };
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(pubInfo));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(0, out _));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(16, out byte[] data));
        Assert.Equal(16, data.Length);
    }

    [Fact]
    public void NvReadValue_Action1b_NotLockedAreaWithAuth_AuthConflict()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.PPWrite)));
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvReadValue_Action1c_NotLockedButWrongAuthorization_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.DefineNv(TestTpm.NvPublic(ReadWriteByOwner));
        Assert.Equal(TpmResult.AuthFail, tpm.ReadNv(1, out _, auths: tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _, auths: tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvReadValue_Action2_NoArea_BadIndex()
    {
        Assert.Equal(TpmResult.BadIndex, new TestTpm().ReadNv(1, out _));
        Assert.Equal(TpmResult.BadIndex, new TestTpm().ReadNv(1, out _, index: TpmNvIndex.Index0));
    }

    [Theory]
    [InlineData(true, TpmResult.Disabled)]
    [InlineData(false, TpmResult.Deactivated)]
    public void NvReadValue_Action3a_DisabledOrDeactivated_NotForTheOwner(bool disabled, TpmResult expected)
    {
        TestTpm tpm = With(ReadWriteByOwner);
        tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, 16, TestTpm.NvIndex + 1));
        TestAuth owner = tpm.AsOwner();
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Disable = disabled } },
            StClearFlags = tpm.State.StClearFlags with { Deactivated = !disabled },
        };
        Assert.Equal(expected, tpm.ReadNv(1, out _, auths: owner));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _, index: TestTpm.NvIndex + 1));
    }

    [Fact]
    public void NvReadValue_Action4a_OwnerOfAreaNotTheOwners_AuthConflict()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        Assert.Equal(TpmResult.AuthConflict, tpm.ReadNv(1, out _, auths: tpm.AsOwner()));
    }

    [Fact]
    public void NvReadValue_Action4b_WrongSecret_AuthFail()
    {
        TestTpm tpm = With(ReadWriteByOwner);
        Assert.Equal(TpmResult.AuthFail, tpm.ReadNv(1, out _, auths: tpm.Oiap(TestTpm.WellKnown)));
    }

    [Theory]
    [InlineData(ReadWriteByOwner)]
    [InlineData(TpmNvPermission.AuthRead | TpmNvPermission.OwnerWrite)]
    public void NvReadValue_Actions5aAnd5b_NoAuthorizationWhereOneIsAskedFor_AuthConflict(TpmNvPermission permission) =>
        Assert.Equal(TpmResult.AuthConflict, With(permission).ReadNv(1, out _));

    [Fact]
    public void NvReadValue_Action6_OtherLocality_BadLocality()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite);
        pubInfo.PcrInfoRead = TestTpm.AnyPcrs(TpmLocalitySelection.One | TpmLocalitySelection.Three);
        TestTpm tpm = With(pubInfo);
        Assert.Equal(TpmResult.BadLocality, tpm.ReadNv(1, out _));
        tpm.Locality = 3;
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvReadValue_Action7_NoPresence_BadPresence()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.PPRead);
        Assert.Equal(TpmResult.BadPresence, tpm.ReadNv(1, out _));
        tpm.AssertPresence();
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvReadValue_Actions8And10_ReadStClear_LocksUntilStartup()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite | TpmNvPermission.ReadStClear);
        Assert.Equal(TpmResult.Success, tpm.ReadNv(0, out byte[] nothing));
        Assert.Empty(nothing);
        Assert.Equal(TpmResult.DisabledCmd, tpm.ReadNv(1, out _));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
    }

    [Fact]
    public void NvReadValue_Action9_OtherPcrs_WrongPcrVal()
    {
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(TpmNvPermission.OwnerWrite);
        TestTpm tpm = With(pubInfo);
        pubInfo.PcrInfoRead = NvPcrs.Now(tpm, 3, 16);
        tpm.DefineNv(pubInfo);
        Assert.Equal(TpmResult.Success, tpm.ReadNv(1, out _));
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 3 });
        Assert.Equal(TpmResult.WrongPcrVal, tpm.ReadNv(1, out _));
    }

    [Theory]
    [InlineData(0u, 17u)]
    [InlineData(16u, 1u)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    public void NvReadValue_Action11b_BeyondTheEnd_NoSpace(uint offset, uint size) =>
        Assert.Equal(TpmResult.NoSpace, With(TpmNvPermission.OwnerWrite).ReadNv(size, out _, offset));

    [Fact]
    public void NvReadValue_MoreThanAResponseHolds_Size()
    {
        TestTpm tpm = With(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, size: 4088));
        Assert.Equal(TpmResult.Size, tpm.ReadNv(4088, out _));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(4000, out byte[] data, offset: 88));
        Assert.Equal(4000, data.Length);
    }

    [Fact]
    public void NvReadValue_NothingAsked_DirtiesNothing()
    {
        TestTpm tpm = With(TpmNvPermission.OwnerWrite);
        PermanentState before = tpm.State.Permanent;
        Assert.Equal(TpmResult.Success, tpm.ReadNv(16, out _));
        Assert.Equal(TpmResult.Success, tpm.ReadNv(0, out _));
        Assert.Same(before, tpm.State.Permanent);
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
