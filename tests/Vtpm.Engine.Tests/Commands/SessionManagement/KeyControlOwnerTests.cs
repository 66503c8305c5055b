using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.SessionManagement;

public class KeyControlOwnerTests
{
    private readonly TestTpm _tpm = new();
    private readonly uint _key;

    public KeyControlOwnerTests()
    {
        _tpm.TakeOwnership();
        _key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
    }

    [Fact]
    public void KeyControlOwner_KeyThatIsPinned_StaysThroughPowerCycles()
    {
        uint other = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        Assert.Equal(TpmResult.Success, Pin(_key));
        _tpm.PowerCycle();
        Assert.NotNull(_tpm.State.Keys.Find(_key));
        Assert.Null(_tpm.State.Keys.Find(other));
    }

    [Fact]
    public void KeyControlOwner_KeyThatIsPinned_CannotBeEvictedOrSaved()
    {
        Assert.Equal(TpmResult.Success, Pin(_key));
        var flush = new FlushSpecificRequest { Handle = _key, ResourceType = TpmResourceType.Key };
        Assert.Equal(TpmResult.KeyOwnerControl, _tpm.ResultOf(new FlushSpecific(), flush));
        Assert.Equal(TpmResult.KeyOwnerControl, _tpm.ResultOf(new EvictKey(), new EvictKeyRequest { EvictHandle = _key }));
        Assert.Equal(TpmResult.OwnerControl, _tpm.ResultOf(new SaveKeyContext(), new SaveKeyContextRequest { KeyHandle = _key }));
        var save = new SaveContextRequest { Handle = _key, ResourceType = TpmResourceType.Key };
        Assert.Equal(TpmResult.OwnerControl, _tpm.ResultOf(new SaveContext(), save));
    }

    [Fact]
    public void KeyControlOwner_Action1_WrongOwner_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new KeyControlOwner(), Request(_key, true), _tpm.Oiap(TestTpm.KeyAuth)));

    [Theory]
    [InlineData(0x01000000u)]
    [InlineData(TpmKeyHandle.Srk)]
    [InlineData(TpmKeyHandle.EK)]
    public void KeyControlOwner_Action2_HandleOfNoSlot_InvalidKeyHandle(uint handle) =>
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOf(new KeyControlOwner(), Request(_key, true) with { KeyHandle = handle }, Owner()));

    [Fact]
    public void KeyControlOwner_Action3_AnotherPublicKey_BadParameter()
    {
        uint other = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        Assert.Equal(TpmResult.BadParameter, _tpm.ResultOf(new KeyControlOwner(), Request(_key, true) with { KeyHandle = other }, Owner()));
    }

    [Fact]
    public void KeyControlOwner_Action4_UnknownBit_BadMode() =>
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new KeyControlOwner(), Request(_key, true) with { BitName = (TpmKeyControl)2 }, Owner()));

    [Fact]
    public void KeyControlOwner_Action5a1_TwoSlotsMustBeLeft_NoSpace()
    {
        for (int pinned = 0; pinned < TpmProfile.Xen.KeySlots - 2; pinned++)
            Assert.Equal(TpmResult.Success, Pin(pinned == 0 ? _key : _tpm.LoadWrapped(TpmKeyUsage.Signing)));
        Assert.Equal(TpmResult.NoSpace, Pin(_tpm.LoadWrapped(TpmKeyUsage.Signing)));
    }

    [Fact]
    public void KeyControlOwner_Action5a2_VolatileKey_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, Pin(_tpm.LoadWrapped(TpmKeyUsage.Signing, flags: TpmKeyFlags.Migratable | TpmKeyFlags.IsVolatile)));

    [Fact]
    public void KeyControlOwner_Action5a2_KeyUnderPcrs_BadParameter()
    {
        LoadedKey key = _tpm.State.Keys.Find(_key)!;
        _tpm.State = _tpm.State with { Keys = _tpm.State.Keys.Replace(key with { ParentPcrStatus = true }) };
        Assert.Equal(TpmResult.BadParameter, Pin(_key));
    }

    [Fact]
    public void KeyControlOwner_Action5b_KeyThatIsLetGo_CanBeEvicted()
    {
        Assert.Equal(TpmResult.Success, Pin(_key));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new KeyControlOwner(), Request(_key, false), Owner()));
        Assert.Equal(0, _tpm.State.Permanent.OwnerEvictKeys.Count);
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new FlushSpecific(), new FlushSpecificRequest { Handle = _key, ResourceType = TpmResourceType.Key }));
    }

    [Fact]
    public void KeyControlOwner_SameValueAgain_ChangesNothingPermanent()
    {
        Assert.Equal(TpmResult.Success, Pin(_key));
        PermanentState permanent = _tpm.State.Permanent;
        Assert.Equal(TpmResult.Success, Pin(_key));
        Assert.Same(permanent, _tpm.State.Permanent);
    }

    private TestAuth Owner() => _tpm.Oiap(TestTpm.OwnerAuth);

    private TpmResult Pin(uint key) => _tpm.ResultOf(new KeyControlOwner(), Request(key, true), Owner());

    private KeyControlOwnerRequest Request(uint key, bool value) =>
        new() { KeyHandle = key, PubKey = _tpm.State.Keys.Find(key)!.Key.ToPubKey(), BitName = TpmKeyControl.OwnerEvict, BitValue = value };
}
