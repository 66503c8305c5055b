using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateCreateKeyDelegationTests
{
    private const TpmDelegateKeyPermission Delegating = TpmDelegateKeyPermission.DelegateCreateKeyDelegation;

    private static readonly TpmDelegatePublic Seals = TestTpm.Delegation(TpmDelegateKeyPermission.Seal);

    private readonly TestTpm _tpm = new();
    private readonly uint _key;

    public DelegateCreateKeyDelegationTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        _key = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action14_Blob_OpensASessionThatStandsForTheKey()
    {
        byte[] blob = _tpm.CreateKeyDelegation(_key, Seals);
        TestAuth dsap = _tpm.Dsap(TpmEntityType.DelegateKeyBlob, blob, _key);
        var request = new SealRequest { KeyHandle = _key, EncAuth = TestTpm.EncryptAuth(dsap, TestTpm.KeyAuth), InData = new byte[8] };
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Seal(), request, dsap));
        dsap = _tpm.Dsap(TpmEntityType.DelegateKeyBlob, blob, _key);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new GetPubKey(), new GetPubKeyRequest { KeyHandle = _key }, dsap));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Description1_BoundKey_IsDelegatedInAnyEnvironment()
    {
        var pcrInfo = new TpmPcrInfo { PcrSelection = TpmPcrSelection.Of(9), DigestAtRelease = TpmDigest.AllOnes };
        uint bound = _tpm.LoadWrapped(TpmKeyUsage.Signing, pcrInfo: WireFormat.ToBytes(pcrInfo));
        Assert.Equal(TpmResult.Success, Create(Seals, Osap(bound), bound));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action1_WrongSecretOrNoKey_Fails()
    {
        Assert.Equal(TpmResult.AuthFail, Create(Seals, _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.AuthFail, Create(Seals, _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.InvalidKeyHandle, Create(Seals, Osap(_key), 0x01234567));
        Assert.Equal(TpmResult.InvalidKeyHandle, Create(Seals, Osap(_key), TpmKeyHandle.EK));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action2_FamilyThatIsNotThere_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, Create(TestTpm.Delegation(TpmDelegateKeyPermission.Seal, familyId: 2), Osap(_key)));

    [Fact]
    public void DelegateCreateKeyDelegation_Action2_FamilyNotEnabled_BlobIsOfNoUseUntilItIs()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.DelegateAdminLock);
        byte[] blob = _tpm.CreateKeyDelegation(_key, Seals);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, blob, _key));
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, blob, _key));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action3_DelegateWithoutThatPermission_DisabledCmd() =>
        Assert.Equal(TpmResult.DisabledCmd, Create(Seals, Delegate(TpmDelegateKeyPermission.Seal)));

    [Fact]
    public void DelegateCreateKeyDelegation_Action3a_DelegateOfAnotherFamily_DelegateFamily()
    {
        _tpm.AddFamily(2);
        TestAuth dsap = Delegate(Delegating | TpmDelegateKeyPermission.Seal);
        Assert.Equal(TpmResult.DelegateFamily, Create(TestTpm.Delegation(TpmDelegateKeyPermission.Seal, familyId: 2), dsap));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action3b_DelegateOfAFamilyNotEnabled_DisabledCmd()
    {
        TestAuth dsap = Delegate(Delegating | TpmDelegateKeyPermission.Seal);
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, Create(Seals, dsap));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action3c_DelegatePassesOnWhatItHas_AndNoMore()
    {
        TpmDelegatePublic more = TestTpm.Delegation(TpmDelegateKeyPermission.Seal | TpmDelegateKeyPermission.Unseal);
        Assert.Equal(TpmResult.AuthFail, Create(more, Delegate(Delegating | TpmDelegateKeyPermission.Seal)));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(TpmResult.Success, Create(Seals, Delegate(Delegating | TpmDelegateKeyPermission.Seal)));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action4_OwnerBitsOrReservedBits_BadParameter()
    {
        Assert.Equal(TpmResult.BadParameter, Create(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear), Osap(_key)));
        Assert.Equal(TpmResult.BadParameter, Create(TestTpm.Delegation((TpmDelegateKeyPermission)(1u << 29)), Osap(_key)));
        TpmDelegatePublic second = Seals;
        second.Permissions.Per2 = 1;
        Assert.Equal(TpmResult.BadParameter, Create(second, Osap(_key)));
        Assert.Equal(TpmResult.Success, Create(TestTpm.Delegation((TpmDelegateKeyPermission)0x1FFFFFFF), Osap(_key)));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_PcrsThatThereAreNot_InvalidPcrInfo()
    {
        var pcrInfo = new TpmPcrInfoShort { PcrSelection = new TpmPcrSelection { PcrSelect = new byte[4] }, LocalityAtRelease = TpmLocalitySelection.All };
        Assert.Equal(TpmResult.InvalidPcrInfo, Create(TestTpm.Delegation(TpmDelegateKeyPermission.Seal, pcrInfo: pcrInfo), Osap(_key)));
        pcrInfo = pcrInfo with { LocalityAtRelease = TpmLocalitySelection.None };
        Assert.Equal(TpmResult.InvalidPcrInfo, Create(TestTpm.Delegation(TpmDelegateKeyPermission.Seal, pcrInfo: pcrInfo), Osap(_key)));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action5_Oiap_InvalidAuthHandle() =>
        Assert.Equal(TpmResult.InvalidAuthHandle, Create(Seals, _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void DelegateCreateKeyDelegation_Action6_AesScheme_DecryptsTheSecret()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth, TpmAdipEncScheme.Aes128Ctr);
        var request = new DelegateCreateKeyDelegationRequest
        {
            KeyHandle = _key,
            PublicInfo = Seals,
            DelAuth = TestTpm.EncryptAuthAes(osap, TestTpm.DelegateAuth),
        };
        byte[] blob = _tpm.Send(new DelegateCreateKeyDelegation(), request, osap).Blob.ToArray();
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, blob, _key));
        DelegationBlob.Check(_tpm, blob, "0027", Seals, KeyDigest());
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Actions7To12_Blob_IsAsTheListSays()
    {
        _tpm.AddFamily(1, verificationCount: 5);
        TpmDelegatePublic pub = Seals with { RowLabel = 0x4B, VerificationCount = 99 };
        byte[] blob = _tpm.CreateKeyDelegation(_key, pub);
        DelegationBlob.Check(_tpm, blob, "0027", pub with { VerificationCount = 5 }, KeyDigest());
        Assert.NotEqual(blob, _tpm.CreateKeyDelegation(_key, pub));
    }

    [Fact]
    public void DelegateCreateKeyDelegation_Action13_Session_EndsAlways()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, Create(Seals, osap));
        Assert.False(osap.GoesOn);
        Assert.Null(_tpm.State.Sessions.Find(osap.Handle));
    }

    private byte[] KeyDigest() => Witness.Sha1([0, 0, 1, 0], _tpm.State.Keys.Find(_key)!.Key.PubKey.Key.ToArray());

    private TestAuth Osap(uint key) => _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.KeyAuth);

    private TestAuth Delegate(TpmDelegateKeyPermission permissions) =>
        _tpm.Dsap(TpmEntityType.DelegateKeyBlob, WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(permissions), _key)), _key);

    private TpmResult Create(in TpmDelegatePublic publicInfo, TestAuth auth, uint? key = null)
    {
        var request = new DelegateCreateKeyDelegationRequest
        {
            KeyHandle = key ?? _key,
            PublicInfo = publicInfo,
            DelAuth = TestTpm.EncryptAuth(auth, TestTpm.DelegateAuth),
        };
        return _tpm.ResultOf(new DelegateCreateKeyDelegation(), request, auth);
    }
}
