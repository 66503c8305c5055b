using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Integrity;

public class ExtendTests
{
    [Fact]
    public void Extend_AnyRegister_HoldsDigestOfOldValueAndInput()
    {
        var tpm = new TestTpm();
        byte[] input = SHA1.HashData("kernel"u8);
        ExtendResponse response = tpm.Send(new Extend(), new ExtendRequest { PcrNum = 4, InDigest = new TpmDigest(input) });
        Assert.Equal(SHA1.HashData((byte[])[.. new byte[20], .. input]), response.OutDigest.ReadOnlySpan.ToArray());
        Assert.Equal(response.OutDigest, tpm.Send(new PcrRead(), new PcrReadRequest { PcrIndex = 4 }).OutDigest);
    }

    [Fact]
    public void Extend_RegisterThatDoesNotExist_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, new TestTpm().ResultOf(new Extend(), new ExtendRequest { PcrNum = 24 }));

    [Fact]
    public void Extend_DynamicRegisterFromLocality0_BadLocality() =>
        Assert.Equal(TpmResult.BadLocality, new TestTpm().ResultOf(new Extend(), new ExtendRequest { PcrNum = 17 }));
}
