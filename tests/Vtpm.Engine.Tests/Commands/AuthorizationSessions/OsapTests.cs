using Vtpm.Engine.Commands.AuthorizationChanges;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Identity;
using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Engine.Commands.Ownership;
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
    public void Osap_Action5_UnknownEncryptionScheme_InappropriateEnc() =>
        Assert.Equal(TpmResult.InappropriateEnc, ResultOf(TpmEntityType.Owner, scheme: (TpmAdipEncScheme)7));

    [Fact]
    public void Osap_Action6a_KeyThatIsNotLoaded_InvalidKeyHandle() =>
        Assert.Equal(TpmResult.InvalidKeyHandle, ResultOf(TpmEntityType.KeyHandle, 0x01000000));

    [Fact]
    public void Osap_Action6b_Operator_BadHandle() => Assert.Equal(TpmResult.BadHandle, ResultOf(TpmEntityType.KeyHandle, TpmKeyHandle.Operator));

    [Theory]
    [InlineData(TpmEntityType.KeyHandle, TpmKeyHandle.Srk)]
    [InlineData(TpmEntityType.Srk, 0x12345678u)]
    public void Osap_Actions3And4And6aAnd8_Srk_AuthorizesTheSrk(TpmEntityType type, uint value)
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

    [Theory]
    [InlineData(TpmEntityType.Counter)]
    [InlineData(TpmEntityType.Nv)]
    public void Osap_Actions9And10_CounterOrNvArea_AuthorizesIt(TpmEntityType type)
    {
        uint counter = _tpm.CreateCounter().CountId;
        _tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite));
        TestAuth auth = type == TpmEntityType.Counter ? _tpm.Osap(type, counter, TestTpm.CounterAuth) : _tpm.Osap(type, TestTpm.NvIndex, TestTpm.NvAuth);
        Assert.Equal(
            TpmResult.Success,
            type == TpmEntityType.Counter
                ? _tpm.ResultOf(new IncrementCounter(), new CounterRequest { CountId = counter }, auth)
                : _tpm.ReadNvAuth(1, out _, auth));
    }

    [Fact]
    public void Osap_Action9_CounterThatThereIsNot_BadCounter() => Assert.Equal(TpmResult.BadCounter, ResultOf(TpmEntityType.Counter, 5));

    [Fact]
    public void Osap_Action10_NvAreaThatThereIsNot_BadIndex() => Assert.Equal(TpmResult.BadIndex, ResultOf(TpmEntityType.Nv, 5));

    /// <summary>The value is of no meaning: there is one owner.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(TpmKeyHandle.Owner)]
    [InlineData(0x12345678u)]
    public void Osap_Action7a_Owner_AuthorizesTheOwner(uint value)
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Owner, value, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new DisableOwnerClear(), default, auth));
    }

    [Fact]
    public void Osap_Action7b_OwnerPointerToADelegation_TakesTheDelegatesSecret()
    {
        _tpm.AddFamily(1);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.DisableOwnerClear));
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.DelegateAuth)));
    }

    [Fact]
    public void Osap_Action13_SessionThatEnded_IsNowhereInTheState()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        Assert.NotNull(_tpm.State.Sessions.Find(auth.Handle)!.SharedSecret);
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
        Assert.Equal(0, _tpm.State.Sessions.Count);
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    [Fact]
    public void Osap_Action14b_KeyEvicted_EndsTheSession()
    {
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth, goesOn: true);
        uint ofSrk = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true).Handle;
        _tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = key, ResourceType = TpmResourceType.Key });
        Assert.Equal([ofSrk], Handles());
    }

    [Fact]
    public void Osap_Action14d_OwnerCleared_EndsTheSession()
    {
        _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new OwnerClear(), default, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Empty(Handles());
    }

    [Fact]
    public void Osap_Action14e_OwnersSecretChanged_EndsTheOwnersSessions()
    {
        _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth, goesOn: true);
        uint ofSrk = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true).Handle;
        TestAuth owner = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth);
        var request = new ChangeAuthOwnerRequest
        {
            ProtocolId = TpmProtocolId.Adcp,
            NewAuth = TestTpm.EncryptAuth(owner, TestTpm.KeyAuth),
            EntityType = (ushort)TpmEntityType.Owner,
        };
        _tpm.Send(new ChangeAuthOwner(), request, owner);
        Assert.Equal([ofSrk], Handles());
    }

    [Fact]
    public void Osap_Action14f_ContinueFalseResetOrFlush_EndsTheSession()
    {
        _tpm.Send(new LoadKey2(), LoadRequest(), _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: false));
        Assert.Empty(Handles());
        uint flushed = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true).Handle;
        _tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = flushed, ResourceType = TpmResourceType.Auth });
        Assert.Empty(Handles());
        _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new Reset(), default);
        Assert.Empty(Handles());
    }

    [Fact]
    public void Osap_Action14g_FamilyDisabled_EndsTheSessionsOfDelegates()
    {
        _tpm.AddFamily(1);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.DisableOwnerClear));
        uint ofOwner = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth, goesOn: true).Handle;
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
        _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.DelegateAuth, goesOn: true);
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.Owner });
        var disable = new DelegateManageRequest { FamilyId = 1, OpCode = TpmFamilyOperation.Enable, OpData = new byte[] { 0 } };
        _tpm.Send(new DelegateManage(), disable, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal([ofOwner], Handles());
    }

    [Fact]
    public void Osap_Validation3_HandleOfNoSession_InvalidAuthHandle()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        _tpm.State = _tpm.State with { Sessions = HandleTable<AuthSession>.Empty };
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    [Fact]
    public void Osap_Validation5_WrongSecret_AuthFailOrAuth2FailThatIsCounted()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
        TestAuth owner = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.WellKnown);
        var request = new MakeIdentityRequest { IdKeyParams = TestTpm.KeyInfo(TpmKeyUsage.Identity) };
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new MakeIdentity(), request, _tpm.Oiap(TestTpm.WellKnown), owner));
        Assert.Equal(2u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void Osap_Validations6And9_ContinueAsked_AnotherNonceAndTheSessionGoesOn()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        TpmNonce before = auth.NonceEven;
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
        Assert.NotEqual(before, auth.NonceEven);
        Assert.True(auth.GoesOn);
        auth.Continue = false;
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
        Assert.False(auth.GoesOn);
        Assert.Empty(Handles());
    }

    [Fact]
    public void Osap_Validation10_SecretUsedToEncrypt_EndsTheSessionThoughItWasToGoOn()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new Seal(), SealRequest(auth), auth);
        Assert.False(auth.GoesOn);
        Assert.Empty(Handles());
    }

    [Fact]
    public void Osap_Validation11a_SessionOfAnotherEntity_AuthFail()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    /// <summary>The registers are looked at first: nobody can try secrets on a key that is not usable.</summary>
    [Fact]
    public void Osap_Validation11b_KeyOfOtherRegisters_WrongPcrValAndNoGuess()
    {
        uint key = KeyOfOtherRegisters();
        TestAuth wrong = _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.WrongPcrVal, _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = new byte[20] }, wrong));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    private uint[] Handles() => [.. _tpm.State.Sessions.Items.ToArray().Select(session => session.Handle)];

    private uint KeyOfOtherRegisters()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024) with { PcrInfo = (byte[])[0, 3, 1, 0, 0, .. TestTpm.KeyAuth, .. new byte[20]] };
        return _tpm.NewKey(info, TestTpm.KeyAuth);
    }

    private LoadKey2Request LoadRequest() => new() { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };

    private static SealRequest SealRequest(TestAuth auth) =>
        new() { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(auth, TestTpm.KeyAuth), InData = "data"u8.ToArray() };

    private TpmResult ResultOf(TpmEntityType type, uint value = 0, TpmAdipEncScheme scheme = TpmAdipEncScheme.Xor) =>
        _tpm.ResultOf(new Osap(), new OsapRequest { EncScheme = scheme, EntityType = type, EntityValue = value });
}
