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
    public void LoadKey_Actions7iTo8And10_KeyOfThisTpm_IsInASlotAndTheHandleInTheHmac()
    {
        var request = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing)) };
        uint handle = _tpm.Send(new LoadKey(), request, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
        Assert.NotNull(_tpm.State.Keys.Find(handle));
        Assert.Equal(0, new LoadKey().Traits.OutHandles);
    }

    [Fact]
    public void LoadKey_Actions7jAnd11And12_ParentBoundToPcrs_ChildTellsAndIsBoundItself()
    {
        byte[] binding = [0, 3, 1, 0, 0, .. Witness.Sha1([0, 3, 1, 0, 0, 0, 0, 0, 20], new byte[20]), .. new byte[20]];
        uint parent = Load(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { PcrInfo = binding }, TpmKeyHandle.Srk);
        uint child = Load(TestTpm.KeyInfo(TpmKeyUsage.Storage), parent);
        uint grandchild = Load(TestTpm.KeyInfo(TpmKeyUsage.Signing), child);
        Assert.Equal((true, false), (_tpm.State.Keys.Find(parent)!.Binding.UsesPcrs, _tpm.State.Keys.Find(parent)!.ParentPcrStatus));
        Assert.Equal((true, true), (_tpm.State.Keys.Find(child)!.ParentPcrStatus, _tpm.State.Keys.Find(grandchild)!.ParentPcrStatus));
    }

    private uint Load(TpmKey keyInfo, uint parent)
    {
        var request = new LoadKey2Request { ParentHandle = parent, InKey = _tpm.CreateWrapKey(keyInfo, parent: parent) };
        return _tpm.Send(new LoadKey(), request, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
    }
}
