using System.Security.Cryptography;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.TransportSessions;

public class ReleaseTransportSignedTests
{
    private readonly TestTpm _tpm = new();

    public ReleaseTransportSignedTests() => _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmTransportAttributes.Log)]
    [InlineData(TpmTransportAttributes.Log | TpmTransportAttributes.Encrypt | TpmTransportAttributes.Exclusive)]
    public void ReleaseTransportSigned_Actions6And8To11_Logged_SignsTheLogAndEndsTheSession(TpmTransportAttributes attributes)
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        TestAuth key = _tpm.Oiap(TestTpm.KeyAuth);
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(attributes), TpmKeyHandle.Srk, TestTpm.WellKnown);
        _tpm.ExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 7 });
        _tpm.ExecuteWrapped(transport, new GetRandom(), new GetRandomRequest { BytesRequested = 9 });
        _tpm.Time.Advance(TimeSpan.FromSeconds(1));
        _tpm.Locality = 1;
        var request = new ReleaseTransportSignedRequest { KeyHandle = sign, AntiReplay = _tpm.NewNonce() };
        TestAuth auth = Auth(transport);
        ReleaseTransportSignedResponse response = _tpm.Send(new ReleaseTransportSigned(), request, key, auth);
        byte[] parameters = SHA1.HashData((byte[])[0, 0, 0, 0xE8, .. request.AntiReplay.ReadOnlySpan]);
        transport.Log(new TpmTransportLogOut { Parameters = new TpmDigest(parameters), CurrentTicks = response.CurrentTicks, Locality = 1 });
        byte[] signInfo = [0, 5, .. "TRAN"u8, .. request.AntiReplay.ReadOnlySpan, 0, 0, 0, 20, .. transport.Digest.ReadOnlySpan];
        Witness.VerifySignature(_tpm.State.Keys.Find(sign)!.Key.PubKey.Key, SHA1.HashData(signInfo), response.Signature);
        Assert.Equal((1u, 1_000_000ul), (response.Locality, response.CurrentTicks.CurrentTicks));
        Assert.False(auth.GoesOn);
        Assert.Equal(0, _tpm.State.Transports.Count);
    }

    [Fact]
    public void ReleaseTransportSigned_Action1_NoSuchSession_InvalidAuthHandle()
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        Assert.Equal(TpmResult.InvalidAuthHandle, Release(sign, _tpm.Oiap(TestTpm.KeyAuth), _tpm.Oiap(TestTpm.TransportAuth)));
    }

    [Fact]
    public void ReleaseTransportSigned_Action2_DerScheme_InappropriateSig()
    {
        TpmKey key = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth);
        key.AlgorithmParms = key.AlgorithmParms with { SigScheme = TpmSigScheme.RsaSsaPkcs1V15Der };
        key = Witness.Wrap(_tpm.State.Permanent.Data.Srk!.Key.PubKey.Key, key, TestTpm.KeyAuth, TestTpm.KeyAuth, FixedRsa.PrimeOf(key.PubKey.Key));
        var load = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key };
        uint handle = _tpm.Send(new LoadKey2(), load, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
        Assert.Equal(TpmResult.InappropriateSig, Release(handle, _tpm.Oiap(TestTpm.KeyAuth), Auth(Logged())));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Legacy, TpmResult.InvalidKeyUsage)]
    [InlineData(TpmKeyUsage.Storage, TpmResult.InappropriateSig)]
    public void ReleaseTransportSigned_Action3_OtherKeyThanSigning_IsRefused(TpmKeyUsage usage, TpmResult expected)
    {
        uint key = _tpm.LoadWrapped(usage);
        Assert.Equal(expected, Release(key, _tpm.Oiap(TestTpm.KeyAuth), Auth(Logged())));
    }

    [Fact]
    public void ReleaseTransportSigned_Action4_WrongSecretOfTheKey_AuthFail()
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        TestTransport transport = Logged();
        Assert.Equal(TpmResult.AuthFail, Release(sign, _tpm.Oiap(TestTpm.WellKnown), Auth(transport)));
        Assert.Equal(TpmResult.AuthFail, Release(sign, Auth(Logged())));
    }

    [Fact]
    public void ReleaseTransportSigned_Action4_KeyThatNeedsNoSecret_IsUsedWithTheSessionAlone()
    {
        TpmKey key = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth);
        key.AuthDataUsage = TpmAuthDataUsage.Never;
        key = Witness.Wrap(_tpm.State.Permanent.Data.Srk!.Key.PubKey.Key, key, TestTpm.KeyAuth, TestTpm.KeyAuth, FixedRsa.PrimeOf(key.PubKey.Key));
        var load = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key };
        uint handle = _tpm.Send(new LoadKey2(), load, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
        Assert.Equal(TpmResult.Success, Release(handle, Auth(Logged())));
    }

    /// <summary>Who does not know the session's secret cannot end its log with a key of his own.</summary>
    [Fact]
    public void ReleaseTransportSigned_Action5_WrongSecretOfTheSession_Auth2Fail()
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        TestAuth wrong = Auth(Logged());
        wrong.Key = TestTpm.KeyAuth;
        Assert.Equal(TpmResult.Auth2Fail, Release(sign, _tpm.Oiap(TestTpm.KeyAuth), wrong));
    }

    [Fact]
    public void ReleaseTransportSigned_Action7_SessionWithoutLog_BadMode()
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        TestTransport transport = _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None));
        Assert.Equal(TpmResult.BadMode, Release(sign, _tpm.Oiap(TestTpm.KeyAuth), Auth(transport)));
    }

    private TestTransport Logged() => _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Log));

    private TestAuth Auth(TestTransport transport) =>
        new() { Handle = transport.Handle, NonceEven = transport.NonceEven, NonceOdd = _tpm.NewNonce(), Key = transport.AuthData, Continue = true };

    private TpmResult Release(uint key, params TestAuth[] auths) =>
        _tpm.ResultOf(new ReleaseTransportSigned(), new ReleaseTransportSignedRequest { KeyHandle = key }, auths);
}
