using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.AuthorizationSessions;

public class OsapTests
{
    private readonly TestTpm _tpm = new();

    public OsapTests() => _tpm.TakeOwnership();

    [Fact]
    public void Oiap_TwoSessions_HaveHandlesAndNoncesOfTheirOwn()
    {
        TestAuth first = _tpm.Oiap(TestTpm.OwnerAuth);
        TestAuth second = _tpm.Oiap(TestTpm.OwnerAuth);
        Assert.NotEqual(first.Handle, second.Handle);
        Assert.NotEqual(first.NonceEven, second.NonceEven);
    }

    [Fact]
    public void Oiap_Action2_AllHandlesOpen_Resources()
    {
        for (int i = 0; i < TpmProfile.Xen.AuthSessions; i++) _tpm.Oiap(TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.Resources, _tpm.ResultOf(new Oiap(), default));
        Assert.Equal(TpmResult.Resources, ResultOf(TpmEntityType.Owner));
    }

    [Fact]
    public void Osap_Action5_UnknownEncryptionScheme_InappropriateEnc() =>
        Assert.Equal(TpmResult.InappropriateEnc, ResultOf(TpmEntityType.Owner, scheme: (TpmAdipEncScheme)7));

    [Fact]
    public void Osap_Action6_KeyThatIsNotLoaded_InvalidKeyHandle() =>
        Assert.Equal(TpmResult.InvalidKeyHandle, ResultOf(TpmEntityType.KeyHandle, 0x01000000));

    [Fact]
    public void Osap_Action6b_Operator_BadHandle() => Assert.Equal(TpmResult.BadHandle, ResultOf(TpmEntityType.KeyHandle, TpmKeyHandle.Operator));

    [Theory]
    [InlineData(TpmEntityType.KeyHandle, TpmKeyHandle.Srk)]
    [InlineData(TpmEntityType.Srk, 0x12345678u)]
    public void Osap_Action8_Srk_AuthorizesTheSrk(TpmEntityType type, uint value)
    {
        TestAuth auth = _tpm.Osap(type, value, TestTpm.WellKnown);
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
        Assert.False(auth.GoesOn);
    }

    [Theory]
    [InlineData(TpmEntityType.Data)]
    [InlineData(TpmEntityType.Key)]
    [InlineData(TpmEntityType.DelegateRow)]
    [InlineData((TpmEntityType)0x77)]
    public void Osap_Action11_OtherEntityType_BadParameter(TpmEntityType type) => Assert.Equal(TpmResult.BadParameter, ResultOf(type));

    [Fact]
    public void Osap_Action12_SessionThatGoesOn_HasANewNonceEachTime()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        TpmNonce first = auth.NonceEven;
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
        Assert.True(auth.GoesOn);
        Assert.NotEqual(first, auth.NonceEven);
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
    }

    [Fact]
    public void Osap_Action14a_CommandThatFails_EndsTheSession()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        LoadKey2Request request = LoadRequest();
        request.InKey.EncData = new byte[256];
        Assert.NotEqual(TpmResult.Success, _tpm.ResultOf(new LoadKey2(), request, auth));
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    [Fact]
    public void Osap_Action14c_SecretUsedToEncrypt_EndsTheSession()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new Seal(), SealRequest(auth), auth);
        Assert.False(auth.GoesOn);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void Osap_AesScheme_DecryptsWithTheLowHalfOfTheSecret()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, TpmAdipEncScheme.Aes128Ctr);
        TpmStoredData sealedData = _tpm.Send(new Seal(), SealRequest(auth) with { EncAuth = TestTpm.EncryptAuthAes(auth, TestTpm.KeyAuth) }, auth).SealedData;
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = sealedData };
        UnsealResponse response = _tpm.Send(new Unseal(), request, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(TestTpm.KeyAuth));
        Assert.Equal("data"u8, response.Secret.Span);
    }

    /// <summary>§18.2.1 action 11a.</summary>
    [Fact]
    public void Osap_Validation11a_SessionOfAnotherEntity_AuthFail()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    [Fact]
    public void Oiap_Validation1_HandleOfNoSession_InvalidAuthHandleAndTheOtherSessionEnds()
    {
        TestAuth first = _tpm.Oiap(TestTpm.WellKnown, goesOn: true);
        TestAuth second = _tpm.Oiap(TestTpm.KeyAuth);
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        TpmStoredData sealedData = _tpm.Send(new Seal(), SealRequest(osap), osap).SealedData;
        _tpm.State = _tpm.State with { Sessions = _tpm.State.Sessions.Remove(second.Handle) };
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = sealedData };
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new Unseal(), request, first, second));
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void Oiap_Validation6_WrongSecretOfTheSecondSession_Auth2FailAndIsCounted()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        TpmStoredData sealedData = _tpm.Send(new Seal(), SealRequest(osap), osap).SealedData;
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = sealedData };
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new Unseal(), request, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    private LoadKey2Request LoadRequest() => new() { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };

    private static SealRequest SealRequest(TestAuth auth) =>
        new() { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(auth, TestTpm.KeyAuth), InData = "data"u8.ToArray() };

    private TpmResult ResultOf(TpmEntityType type, uint value = 0, TpmAdipEncScheme scheme = TpmAdipEncScheme.Xor) =>
        _tpm.ResultOf(new Osap(), new OsapRequest { EncScheme = scheme, EntityType = type, EntityValue = value });
}
