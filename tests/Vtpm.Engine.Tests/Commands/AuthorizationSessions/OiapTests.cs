using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.AuthorizationSessions;

public class OiapTests
{
    private readonly TestTpm _tpm = new();

    public OiapTests() => _tpm.TakeOwnership();

    [Fact]
    public void Oiap_Actions1And3_TwoSessions_HaveHandlesAndNoncesOfTheirOwn()
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
        Assert.Equal(TpmResult.Resources, _tpm.ResultOf(new Osap(), new OsapRequest { EntityType = TpmEntityType.Owner }));
    }

    [Fact]
    public void Oiap_Action4_SessionThatGoesOn_HasANewNonceEachTime()
    {
        TestAuth auth = _tpm.Oiap(TestTpm.WellKnown, goesOn: true);
        var seen = new HashSet<TpmNonce> { auth.NonceEven };
        for (int i = 0; i < 3; i++)
        {
            _tpm.Send(new LoadKey2(), LoadRequest(), auth);
            Assert.True(seen.Add(auth.NonceEven));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Oiap_Validation1_HandleOfNoSession_InvalidAuthHandleAndTheOtherSessionEnds(bool isFirst)
    {
        TestAuth first = _tpm.Oiap(TestTpm.WellKnown, goesOn: true);
        TestAuth second = _tpm.Oiap(TestTpm.KeyAuth, goesOn: true);
        UnsealRequest request = UnsealRequest();
        _tpm.State = _tpm.State with { Sessions = _tpm.State.Sessions.Remove(isFirst ? first.Handle : second.Handle) };
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new Unseal(), request, first, second));
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void Oiap_Validation4_OwnerAuthorization_BySecretOfTheOwnerOrOfWhomThePointerPointsTo()
    {
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Oiap(TestTpm.OwnerAuth)));
        _tpm.AddFamily(1);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.DisableOwnerClear));
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Oiap(TestTpm.DelegateAuth)));
    }

    [Fact]
    public void Oiap_Validation4_PointerToADelegation_ItsPermissionsAndRegistersCount()
    {
        _tpm.AddFamily(1);
        var elsewhere = new TpmPcrInfoShort
        {
            PcrSelection = TpmPcrSelection.Of(4), LocalityAtRelease = TpmLocalitySelection.All, DigestAtRelease = TpmDigest.AllOnes,
        };
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear));
        _tpm.AddRow(1, TestTpm.Delegation(TpmDelegateOwnerPermission.DisableOwnerClear, pcrInfo: elsewhere));
        foreach ((uint row, TpmResult expected) in (ReadOnlySpan<(uint, TpmResult)>)[(0, TpmResult.DisabledCmd), (1, TpmResult.WrongPcrVal)])
        {
            _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = row });
            Assert.Equal(expected, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Oiap(TestTpm.DelegateAuth)));
        }
    }

    [Fact]
    public void Oiap_Validations5And6_WrongSecret_AuthFailThatIsCounted()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), LoadRequest(), _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void Oiap_Validation6_WrongSecretOfTheSecondSession_Auth2FailThatIsCounted()
    {
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new Unseal(), UnsealRequest(), _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void Oiap_Validations7And10_ContinueFalse_AnotherNonceAndTheSessionEnds()
    {
        TestAuth auth = _tpm.Oiap(TestTpm.WellKnown);
        TpmNonce before = auth.NonceEven;
        _tpm.Send(new LoadKey2(), LoadRequest(), auth);
        Assert.NotEqual(before, auth.NonceEven);
        Assert.False(auth.GoesOn);
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new LoadKey2(), LoadRequest(), auth));
    }

    /// <summary>The registers are looked at first: nobody can try secrets on a key that is not usable.</summary>
    [Fact]
    public void Oiap_Validation11_KeyOfOtherRegisters_WrongPcrValAndNoGuess()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024) with { PcrInfo = (byte[])[0, 3, 1, 0, 0, .. TestTpm.KeyAuth, .. new byte[20]] };
        var request = new SignRequest { KeyHandle = _tpm.NewKey(info, TestTpm.KeyAuth), AreaToSign = new byte[20] };
        Assert.Equal(TpmResult.WrongPcrVal, _tpm.ResultOf(new Sign(), request, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(TpmResult.WrongPcrVal, _tpm.ResultOf(new Sign(), request, _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    private LoadKey2Request LoadRequest() => new() { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };

    private UnsealRequest UnsealRequest()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, TestTpm.KeyAuth), InData = "data"u8.ToArray() };
        return new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = _tpm.Send(new Seal(), request, osap).SealedData };
    }
}
