using Vtpm.Engine.Commands.Deprecated;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Deprecated;

public class DirTests
{
    private static readonly TpmDigest Value = TpmDigest.Of("dir"u8);

    [Fact]
    public void DirWriteAuth_Action3_ByOwner_IsReadByAnybodyAndInNv()
    {
        TestTpm tpm = Owned();
        tpm.Send(new DirWriteAuth(), new DirWriteAuthRequest { NewContents = Value }, tpm.AsOwner());
        tpm.PowerCycle();
        Assert.Equal(Value, tpm.Send(new DirRead(), default).DirContents);
        Assert.Equal(TpmResult.Success, tpm.ReadNv(20, out byte[] data, index: TpmNvIndex.Dir));
        Assert.Equal(Value.ReadOnlySpan.ToArray(), data);
    }

    [Fact]
    public void DirWriteAuth_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DirWriteAuth(), new DirWriteAuthRequest { NewContents = Value }, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(default, tpm.Send(new DirRead(), default).DirContents);
    }

    [Fact]
    public void DirWriteAuth_Action2_AnotherThanTheFirst_BadIndex()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadIndex, tpm.ResultOf(new DirWriteAuth(), new DirWriteAuthRequest { DirIndex = 1 }, tpm.AsOwner()));
    }

    [Fact]
    public void DirRead_Action2_WrittenThroughNv_AnswersIt()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.Success, tpm.WriteNv(Value.ReadOnlySpan.ToArray(), index: TpmNvIndex.Dir));
        Assert.Equal(Value, tpm.Send(new DirRead(), default).DirContents);
    }

    [Fact]
    public void DirRead_Action1_AnotherThanTheFirst_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, Owned().ResultOf(new DirRead(), new DirReadRequest { DirIndex = 1 }));

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }
}
