using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.TransportSessions;

public class EstablishTransportTests
{
    private readonly TestTpm _tpm = new();

    public EstablishTransportTests() => _tpm.TakeOwnership();

    [Fact]
    public void EstablishTransport_Action1a_SecretInTheClearWithASession_BadTag() =>
        Assert.Equal(TpmResult.BadTag, Establish(TpmTransportAttributes.None, TpmKeyHandle.Transport, _tpm.Oiap(TestTpm.WellKnown)));

    [Fact]
    public void EstablishTransport_Action1b_SecretInTheClearToEncryptWith_BadScheme() =>
        Assert.Equal(TpmResult.BadScheme, Establish(TpmTransportAttributes.Encrypt, TpmKeyHandle.Transport));

    [Theory]
    [InlineData(0)]
    [InlineData(19)]
    [InlineData(21)]
    public void EstablishTransport_Action1c_SecretOfAnotherLength_BadParamSize(int length)
    {
        var request = new EstablishTransportRequest { EncHandle = TpmKeyHandle.Transport, TransPublic = TestTpm.Transport(default), Secret = new byte[length] };
        Assert.Equal(TpmResult.BadParamSize, _tpm.ResultOf(new EstablishTransport(), request));
    }

    [Fact]
    public void EstablishTransport_Action1d_SecretInTheClear_AuthorizesTheSession()
    {
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None));
        Assert.Equal(default, _tpm.ExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }).OutDigest);
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing)]
    [InlineData(TpmKeyUsage.Bind)]
    public void EstablishTransport_Action2a_OtherKeyThanStorageOrLegacy_InvalidKeyUsage(TpmKeyUsage usage)
    {
        uint key = _tpm.LoadWrapped(usage);
        Assert.Equal(TpmResult.InvalidKeyUsage, Establish(TpmTransportAttributes.Encrypt, key, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(TpmResult.InvalidKeyHandle, Establish(TpmTransportAttributes.Encrypt, 0x01020304, _tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Fact]
    public void EstablishTransport_Actions2bAnd2c_WithoutOrWithAWrongSecret_AuthFail()
    {
        Assert.Equal(TpmResult.AuthFail, Establish(TpmTransportAttributes.Encrypt, TpmKeyHandle.Srk));
        Assert.Equal(TpmResult.AuthFail, Establish(TpmTransportAttributes.Encrypt, TpmKeyHandle.Srk, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(0, _tpm.State.Transports.Count);
    }

    [Theory]
    [InlineData(TpmKeyUsage.Storage)]
    [InlineData(TpmKeyUsage.Legacy)]
    public void EstablishTransport_Actions2dAnd2f_SecretEncryptedForTheKey_AuthorizesTheSession(TpmKeyUsage usage)
    {
        uint key = _tpm.LoadWrapped(usage);
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Encrypt), key, TestTpm.KeyAuth);
        Assert.Equal(default, _tpm.ExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }).OutDigest);
    }

    [Fact]
    public void EstablishTransport_Action2d_NotEncryptedForTheKey_DecryptError()
    {
        EstablishTransportRequest request = _tpm.TransportRequest(TestTpm.Transport(TpmTransportAttributes.Encrypt), TpmKeyHandle.Srk);
        foreach (byte[] secret in (byte[][])[[], new byte[20], new byte[256], [.. request.Secret.Span[..^1], (byte)(request.Secret.Span[^1] ^ 1)]])
            Assert.Equal(TpmResult.DecryptError, _tpm.ResultOf(new EstablishTransport(), request with { Secret = secret }, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void EstablishTransport_Action2e_AnotherTagInside_DecryptError()
    {
        EstablishTransportRequest request = _tpm.TransportRequest(TestTpm.Transport(TpmTransportAttributes.Encrypt), TpmKeyHandle.Srk);
        TpmPubKey srk = _tpm.State.Permanent.Data.Srk!.Key.ToPubKey();
        foreach (byte[] inside in (byte[][])[[0, 0x1E, .. TestTpm.TransportAuth], [0, 0x1D, .. TestTpm.TransportAuth, 0], [0, 0x1D, .. TestTpm.TransportAuth[..^1]]])
        {
            request.Secret = TestTpm.EncryptOaep(srk, inside);
            Assert.Equal(TpmResult.DecryptError, _tpm.ResultOf(new EstablishTransport(), request, _tpm.Oiap(TestTpm.WellKnown)));
        }
    }

    [Fact]
    public void EstablishTransport_Action3a_FipsAndMgf1_InappropriateEnc()
    {
        _tpm.SetPermanentFlags(flags => flags with { Fips = true });
        Assert.Equal(TpmResult.InappropriateEnc, Establish(TestTpm.Transport(TpmTransportAttributes.Encrypt), TpmKeyHandle.Srk, _tpm.Oiap(TestTpm.WellKnown)));
        TpmTransportPublic aes = TestTpm.Transport(TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, TpmEncScheme.SymCtr);
        Assert.Equal(TpmResult.Success, Establish(aes, TpmKeyHandle.Srk, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Theory]
    [InlineData(TpmAlgorithmId.Rsa)]
    [InlineData(TpmAlgorithmId.Aes256)]
    [InlineData((TpmAlgorithmId)0)]
    public void EstablishTransport_Action3b_OtherAlgorithm_BadKeyProperty(TpmAlgorithmId algorithm) => Assert.Equal(
        TpmResult.BadKeyProperty,
        Establish(TestTpm.Transport(TpmTransportAttributes.Encrypt, algorithm, TpmEncScheme.SymCtr), TpmKeyHandle.Srk, _tpm.Oiap(TestTpm.WellKnown)));

    [Theory]
    [InlineData(TpmEncScheme.None)]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1)]
    [InlineData((TpmEncScheme)0x00FF)]
    public void EstablishTransport_Action3c_AesInAnotherMode_InappropriateEnc(TpmEncScheme scheme) => Assert.Equal(
        TpmResult.InappropriateEnc,
        Establish(TestTpm.Transport(TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, scheme), TpmKeyHandle.Srk, _tpm.Oiap(TestTpm.WellKnown)));

    [Fact]
    public void EstablishTransport_Action3_SessionThatDoesNotEncrypt_TakesAnyAlgorithm() =>
        Assert.Equal(TpmResult.Success, Establish(TestTpm.Transport(TpmTransportAttributes.Log, TpmAlgorithmId.Rsa), TpmKeyHandle.Transport));

    [Fact]
    public void EstablishTransport_Actions3dAnd4To7And10_NewSession_IsAnswered()
    {
        _tpm.Time.Advance(TimeSpan.FromSeconds(3));
        _tpm.Locality = 2;
        EstablishTransportResponse one = _tpm.Send(new EstablishTransport(), _tpm.TransportRequest(TestTpm.Transport(default), TpmKeyHandle.Transport));
        EstablishTransportResponse two = _tpm.Send(new EstablishTransport(), _tpm.TransportRequest(TestTpm.Transport(default), TpmKeyHandle.Transport));
        Assert.NotEqual(one.TransHandle, two.TransHandle);
        Assert.NotEqual(one.TransNonceEven, two.TransNonceEven);
        Assert.Equal((2u, 3_000_000ul, _tpm.State.StAnyData.TickNonce), (one.Locality, one.CurrentTicks.CurrentTicks, one.CurrentTicks.TickNonce));
        Assert.Equal(2, _tpm.State.Transports.Count);
    }

    [Fact]
    public void EstablishTransport_Action5a_NoRoom_Resources()
    {
        for (int i = 0; i < TpmProfile.Xen.TransportSessions; i++) Assert.Equal(TpmResult.Success, Establish(default, TpmKeyHandle.Transport));
        Assert.Equal(TpmResult.Resources, Establish(default, TpmKeyHandle.Transport));
        Assert.Equal(0u, _tpm.GetProperty(TpmCapabilityProperty.TransSess));
    }

    /// <summary>The owner of the session works the log out on his own: TestTransport.</summary>
    [Theory]
    [InlineData(TpmTransportAttributes.Log)]
    [InlineData(TpmTransportAttributes.Log | TpmTransportAttributes.Encrypt)]
    public void EstablishTransport_Actions8aAnd8b_Logged_TheLogBeginsWithThisCommand(TpmTransportAttributes attributes)
    {
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(attributes), TpmKeyHandle.Srk, TestTpm.WellKnown);
        Assert.NotEqual(default, transport.Digest);
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
        TestTransport unlogged = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None));
        Assert.Equal(default, _tpm.State.Transports.Find(unlogged.Handle)!.Digest);
    }

    [Fact]
    public void EstablishTransport_Action9_Exclusive_EndsWithAnyOtherCommand()
    {
        TestTransport other = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None));
        foreach (Action disturb in (Action[])
            [
                () => _tpm.Send(new Oiap(), default),
                () => _tpm.ResultOf(new PcrRead(), new PcrReadRequest { PcrIndex = 99 }),
                () => _tpm.Execute([0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 1]),
                () => _tpm.Execute([1]),
                () => _tpm.ExecuteWrapped(other, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }),
                () => _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Exclusive)),
            ])
        {
            TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Exclusive));
            for (int i = 0; i < 3; i++) _tpm.ExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 });
            disturb();
            Assert.Null(_tpm.State.Transports.Find(transport.Handle));
            (TpmResult outer, _) = _tpm.TryExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }, out _);
            Assert.Equal(TpmResult.InvalidAuthHandle, outer);
            Assert.NotNull(_tpm.State.Transports.Find(other.Handle));
        }
    }

    [Fact]
    public void EstablishTransport_LoggedSessionAcrossAPowerCycle_IsGone()
    {
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Log));
        _tpm.PowerCycle();
        (TpmResult outer, _) = _tpm.TryExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }, out _);
        Assert.Equal(TpmResult.InvalidAuthHandle, outer);
    }

    private TpmResult Establish(TpmTransportAttributes attributes, uint encHandle, params TestAuth[] auths) => Establish(TestTpm.Transport(attributes), encHandle, auths);

    private TpmResult Establish(in TpmTransportPublic transPublic, uint encHandle, params TestAuth[] auths) =>
        _tpm.ResultOf(new EstablishTransport(), _tpm.TransportRequest(transPublic, encHandle), auths);
}
