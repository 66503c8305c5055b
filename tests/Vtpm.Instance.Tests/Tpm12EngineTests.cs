using Vtpm.Crypto;
using Vtpm.Engine;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

public class Tpm12EngineTests
{
    private static readonly TpmPlatform Platform = new(new SeededRandom(), new ManualTime(), new FixedRsa(), new OpenSslArithmetic(), TpmProfile.Xen);

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

    /// <summary>Whoever can make saves fail (a full disk, a manager that is gone) does not get to guess for nothing.</summary>
    [Fact]
    public void WriteNotSaved_OfAWrongGuess_CountsItAndEndsItsSession()
    {
        var owned = new TestTpm();
        owned.CreateEndorsementKeyPair();
        owned.TakeOwnership();
        var engine = Tpm12Engine.PowerOn(Platform, StateFormat.Write(owned.State.Permanent, new ScratchArena()).Span, Assert.Fail);
        Take(engine, Convert.FromHexString("00c10000000c000000990001"));
        Take(engine, Convert.FromHexString("00c10000000a0000000a"));
        AuthSession session = engine.State.Sessions.Items[0];
        var guess = new TestAuth { Handle = session.Handle, NonceEven = session.NonceEven, Key = new byte[20], Continue = true };
        byte[] request = TestTpm.Request(new DisableOwnerClear(), default, guess);

        Assert.NotNull(engine.Propose(request, locality: 0, _response).State);
        Assert.Equal(TpmResult.AuthFail, TestTpm.ResultOf(_response));
        engine.WriteNotSaved(request, _response, isTransient: true);

        Assert.Equal(TpmResult.Retry, TestTpm.ResultOf(_response));
        Assert.Equal(1u, engine.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(0, engine.State.Sessions.Count);
    }

    private void Take(Tpm12Engine engine, byte[] request)
    {
        engine.Propose(request, locality: 0, _response);
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(_response));
        engine.Commit();
    }

    private TpmProposal Propose(string request)
    {
        TpmProposal proposal = _engine.Propose(Convert.FromHexString(request), locality: 0, _response);
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(_response));
        return proposal;
    }
}
