using Vtpm.Engine;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

public class Tpm12EngineTests
{
    private static readonly TpmPlatform Platform = new(new SeededRandom(), new ManualTime(), new FixedRsa(), TpmProfile.Xen);

    private readonly Tpm12Engine _engine = Tpm12Engine.Manufacture(Platform, withEndorsementKey: false, message => Assert.Fail(message));
    private readonly byte[] _response = new byte[Tpm12.MaxResponseSize];

    [Fact]
    public void Propose_NothingThatLastsChanges_HasNothingToSave()
    {
        Assert.Null(Propose("00c10000000c000000990001").State);
        _engine.Commit();
        Assert.Null(Propose("00c1000000220000001400000000" + new string('0', 40)).State);
    }

    [Fact]
    public void Propose_SomethingThatLastsChanges_HasTheWholeStateToSave()
    {
        Propose("00c10000000c000000990001");
        _engine.Commit();
        // TPM_SaveState keeps the PCRs beyond the power.
        ReadOnlyMemory<byte> state = Assert.NotNull(Propose("00c10000000a00000098").State);
        Assert.NotNull(Tpm12Engine.PowerOn(Platform, state.Span, _ => { }).State.Permanent.SavedState);
    }

    private TpmProposal Propose(string request)
    {
        TpmProposal proposal = _engine.Propose(Convert.FromHexString(request), locality: 0, _response);
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(_response));
        return proposal;
    }
}
