using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Ownership;

public class TakeOwnershipTests
{
    [Fact]
    public void TakeOwnership_NewTpm_InstallsOwnerAndSrk()
    {
        var tpm = new TestTpm();
        TpmKey srk = tpm.TakeOwnership();
        Assert.Equal(256, srk.PubKey.Key.Length);
        Assert.True(srk.EncData.IsEmpty);
        Assert.Equal(TestTpm.OwnerAuth, tpm.State.Permanent.Data.OwnerAuth!.Span.ToArray());
        Assert.Equal(TestTpm.WellKnown, tpm.State.Permanent.Data.Srk!.UsageAuth.Span.ToArray());
    }
}
