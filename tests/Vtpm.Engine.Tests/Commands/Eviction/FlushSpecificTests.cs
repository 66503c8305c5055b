using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Eviction;

public class FlushSpecificTests
{
    private readonly TestTpm _tpm = new();

    public FlushSpecificTests() => _tpm.TakeOwnership();

    [Fact]
    public void FlushSpecific_Action1_Context_CannotBeLoadedAnyMore()
    {
        uint session = _tpm.Oiap(TestTpm.OwnerAuth).Handle;
        byte[] blob = _tpm.Send(new SaveContext(), new SaveContextRequest { Handle = session, ResourceType = TpmResourceType.Auth }).ContextBlob.ToArray();
        Assert.Equal(TpmResult.BadParameter, Flush(2, TpmResourceType.Context));
        Assert.Equal(TpmResult.Success, Flush(1, TpmResourceType.Context));
        Assert.Equal(TpmResult.BadContext, _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob }));
    }

    [Fact]
    public void FlushSpecific_Actions2aAnd8_Key_TakesItsSessionsAlong()
    {
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        uint other = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown).Handle;
        _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth);
        uint oiap = _tpm.Oiap(TestTpm.KeyAuth).Handle;
        Assert.Equal(TpmResult.Success, Flush(key, TpmResourceType.Key));
        Assert.Equal(0, _tpm.State.Keys.Count);
        Assert.Equal([other, oiap], _tpm.State.Sessions.Items.ToArray().Select(session => session.Handle));
    }

    [Fact]
    public void FlushSpecific_Action2b_KeyThatIsPinned_KeyOwnerControl()
    {
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        _tpm.State = _tpm.State with { Keys = _tpm.State.Keys.Replace(_tpm.State.Keys.Find(key)! with { OwnerEvict = true }) };
        Assert.Equal(TpmResult.KeyOwnerControl, Flush(key, TpmResourceType.Key));
        Assert.NotNull(_tpm.State.Keys.Find(key));
    }

    [Fact]
    public void FlushSpecific_Action3_Session_IsGone()
    {
        uint session = _tpm.Oiap(TestTpm.OwnerAuth).Handle;
        Assert.Equal(TpmResult.Success, Flush(session, TpmResourceType.Auth));
        Assert.Equal(TpmResult.BadParameter, Flush(session, TpmResourceType.Auth));
    }

    [Fact]
    public void FlushSpecific_Action4_TransportSession_IsGone()
    {
        uint transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None)).Handle;
        Assert.Equal(TpmResult.Success, Flush(transport, TpmResourceType.Trans));
        Assert.Equal(0, _tpm.State.Transports.Count);
    }

    [Fact]
    public void FlushSpecific_Action5_DaaSession_IsGone()
    {
        _tpm.State = _tpm.State with { DaaSessions = _tpm.State.DaaSessions.Add(new DaaSession(0x06000001, new Secret(TestTpm.KeyAuth))) };
        Assert.Equal(TpmResult.Success, Flush(0x06000001, TpmResourceType.DaaTpm));
        Assert.Equal(0, _tpm.State.DaaSessions.Count);
    }

    [Theory]
    [InlineData(TpmResourceType.Hash)]
    [InlineData(TpmResourceType.Counter)]
    [InlineData(TpmResourceType.Delegate)]
    [InlineData((TpmResourceType)0x1234)]
    public void FlushSpecific_Action6_OtherResource_InvalidResource(TpmResourceType type) => Assert.Equal(TpmResult.InvalidResource, Flush(1, type));

    [Theory]
    [InlineData(TpmResourceType.Key, 0x01000000u)]
    [InlineData(TpmResourceType.Key, TpmKeyHandle.Srk)]
    [InlineData(TpmResourceType.Key, TpmKeyHandle.EK)]
    [InlineData(TpmResourceType.Auth, 0x02000000u)]
    [InlineData(TpmResourceType.Trans, 0x04000000u)]
    [InlineData(TpmResourceType.DaaTpm, 0x08000000u)]
    public void FlushSpecific_Action7_HandleOfNothing_BadParameter(TpmResourceType type, uint handle) =>
        Assert.Equal(TpmResult.BadParameter, Flush(handle, type));

    private TpmResult Flush(uint handle, TpmResourceType type) =>
        _tpm.ResultOf(new FlushSpecific(), new FlushSpecificRequest { Handle = handle, ResourceType = type });
}
