using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Deprecated;

public class LoadKeyTests
{
    private readonly TestTpm _tpm = new();

    public LoadKeyTests() => _tpm.TakeOwnership();

    [Fact]
    public void LoadKey_KeyOfThisTpm_IsInASlotAndTheHandleInTheHmac()
    {
        var request = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing)) };
        uint handle = _tpm.Send(new LoadKey(), request, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
        Assert.NotNull(_tpm.State.Keys.Find(handle));
        Assert.Equal(0, new LoadKey().Traits.OutHandles);
    }

    [Fact]
    public void LoadKey_Action2_ParentThatDoesNotStore_InvalidKeyUsage()
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing));
        var request = new LoadKey2Request { ParentHandle = _tpm.LoadKey2(key), InKey = key };
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new LoadKey(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }
}
