using Vtpm.Client;
using Vtpm.Manager.Tests.Support;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

public class ChainTests
{
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");

    [Fact]
    public void Manager_FromABlankTpmAndABlankImage_KeepsAKeyOverItsRestart()
    {
        using var tpm = new Swtpm();
        using var rig = new ManagerRig(tpm: tpm);
        Assert.True(rig.Manager.Hardware.TookOwnership);
        Assert.Equal(64, rig.Manager.Hardware.EndorsementKeySha256!.Length);
        byte[] key = [.. Enumerable.Range(0, 52).Select(i => (byte)i)];
        using (VtpmManagerClient vtpm = rig.Vtpm(First)) vtpm.SaveHashKey(key);

        tpm.PowerCycle();
        rig.Restart();

        using VtpmManagerClient again = rig.Vtpm(First);
        byte[] loaded = new byte[64];
        Assert.Equal(52, again.LoadHashKey(loaded));
        Assert.Equal(key, loaded[..52]);
    }
}
