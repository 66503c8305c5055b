using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.AuthorizationSessions;

public class DsapTests
{
    private static readonly TpmDelegatePublic KeyControl = TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner);

    private readonly TestTpm _tpm = new();
    private readonly uint _key;

    public DsapTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        _key = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
    }

    [Fact]
    public void Dsap_Actions1hAnd1jAnd5To7_OwnerBlob_StandsForTheOwner()
    {
        Assert.Equal(TpmResult.Success, PinKey(OwnerSession(KeyControl)));
        Assert.True(_tpm.State.Keys.Find(_key)!.OwnerEvict);
    }

    [Fact]
    public void Dsap_OwnerBlob_CommandThatIsNotDelegated_DisabledCmd() =>
        Assert.Equal(TpmResult.DisabledCmd, PinKey(OwnerSession(TestTpm.Delegation(~TpmDelegateOwnerPermission.KeyControlOwner))));

    [Fact]
    public void Dsap_KeyBitsInAnOwnerBlob_DisabledCmd() =>
        Assert.Equal(TpmResult.DisabledCmd, PinKey(OwnerSession(TestTpm.Delegation((TpmDelegateKeyPermission)uint.MaxValue))));

    [Fact]
    public void Dsap_OwnerBlob_WrongSecret_AuthFail()
    {
        TestAuth auth = OwnerSession(KeyControl);
        auth.Key = new byte[20];
        Assert.Equal(TpmResult.AuthFail, PinKey(auth));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void Dsap_Action1b_NoOwnerBlob_WrongEntityType() =>
        Assert.Equal(TpmResult.WrongEntityType, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, new byte[40]));

    [Fact]
    public void Dsap_Action1c_FamilyThatIsNotThere_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, ResultOf(TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner, familyId: 2)));

    [Fact]
    public void Dsap_Action1e_FamilyNotEnabled_DisabledCmd()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, ResultOf(KeyControl));
    }

    [Fact]
    public void Dsap_Action1f_OldVerificationCount_FamilyCount()
    {
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.FamilyCount, ResultOf(KeyControl));
    }

    [Fact]
    public void Dsap_Action1g_BlobThatWasChanged_AuthFail()
    {
        TpmDelegateOwnerBlob blob = _tpm.OwnerBlob(KeyControl);
        blob.Pub.Permissions.Per1 = uint.MaxValue;
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(blob)));
        blob = _tpm.OwnerBlob(KeyControl);
        blob.SensitiveArea = new byte[22];
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(blob)));
    }

    [Fact]
    public void Dsap_Action1i_SensitiveAreaOfAnotherTag_BadDelegate()
    {
        byte[] blob = WireFormat.ToBytes(_tpm.OwnerBlob(KeyControl, tag: 0x27));
        Assert.Equal(TpmResult.BadDelegate, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, blob));
    }

    [Fact]
    public void Dsap_Action2d_RowWhoseFamilyIsNotThere_BadIndex()
    {
        _tpm.AddRow(1, TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner, familyId: 2));
        Assert.Equal(TpmResult.BadIndex, ResultOfRow());
    }

    [Fact]
    public void Dsap_Action2f_FamilyOfTheRowNotEnabled_DisabledCmd()
    {
        _tpm.AddRow(1, KeyControl);
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, ResultOfRow());
    }

    [Fact]
    public void Dsap_Action2g_OldVerificationCountOfTheRow_FamilyCount()
    {
        _tpm.AddRow(1, KeyControl);
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.FamilyCount, ResultOfRow());
    }

    [Fact]
    public void Dsap_Action3c_FamilyOfTheKeyBlobThatIsNotThere_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, ResultOfKeyBlob(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal, familyId: 2), _key)));

    [Fact]
    public void Dsap_Action3e_FamilyOfTheKeyBlobNotEnabled_DisabledCmd()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, ResultOfKeyBlob(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), _key)));
    }

    [Fact]
    public void Dsap_Action3f_OldVerificationCountOfTheKeyBlob_FamilyCount()
    {
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.FamilyCount, ResultOfKeyBlob(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), _key)));
    }

    [Fact]
    public void Dsap_Action3g_KeyBlobThatWasChanged_AuthFail()
    {
        TpmDelegateKeyBlob blob = _tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), _key);
        blob.Pub.Permissions.Per1 = uint.MaxValue;
        Assert.Equal(TpmResult.AuthFail, ResultOfKeyBlob(blob));
    }

    [Fact]
    public void Dsap_Action3j_SensitiveAreaOfTheKeyBlobOfAnotherTag_BadDelegate() =>
        Assert.Equal(TpmResult.BadDelegate, ResultOfKeyBlob(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), _key, tag: 0x27)));

    [Fact]
    public void Dsap_Action2a_RowThatIsNotThere_BadIndex()
    {
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 1]));
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 2]));
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0xFF, 0xFF, 0xFF, 0xFF]));
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [1]));
    }

    [Fact]
    public void Dsap_Action2c_Row_StandsForTheOwner()
    {
        _tpm.AddRow(1, KeyControl);
        Assert.Equal(TpmResult.Success, PinKey(_tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 1])));
    }

    [Fact]
    public void Dsap_Actions3iAnd3k_KeyBlob_StandsForTheKey()
    {
        TestAuth auth = KeySession(TpmDelegateKeyPermission.Seal);
        var request = new SealRequest { KeyHandle = _key, EncAuth = TestTpm.EncryptAuth(auth, TestTpm.KeyAuth), InData = "data"u8.ToArray() };
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Seal(), request, auth));
        auth = KeySession(~TpmDelegateKeyPermission.Seal);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new Seal(), request, auth));
    }

    [Fact]
    public void Dsap_Action3_KeyBlob_DoesNotStandForTheOwner() =>
        Assert.Equal(TpmResult.AuthFail, PinKey(KeySession((TpmDelegateKeyPermission)uint.MaxValue)));

    [Fact]
    public void Dsap_Action3b_OwnerBlobAsKeyBlob_WrongEntityType() => Assert.Equal(
        TpmResult.WrongEntityType, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, WireFormat.ToBytes(_tpm.OwnerBlob(KeyControl)), _key));

    [Fact]
    public void Dsap_Action3h_AnotherKey_KeyNotFound()
    {
        uint other = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        byte[] blob = WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), _key));
        Assert.Equal(TpmResult.KeyNotFound, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, blob, other));
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, blob, 0x01234567));
    }

    [Fact]
    public void Dsap_Action4_OtherEntityType_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, _tpm.ResultOfDsap(TpmEntityType.Owner, [0, 0, 0, 0]));

    [Fact]
    public void Dsap_Description4_CertifiedMigrationKeyThatIsRestricted_InvalidKeyUsage()
    {
        LoadedKey key = _tpm.State.Keys.Find(_key)!;
        TpmKey certified = key.Key;
        certified.KeyFlags |= TpmKeyFlags.MigrateAuthority;
        _tpm.State = _tpm.State with { Keys = _tpm.State.Keys.Replace(key with { Key = certified }) };
        var request = new LoadKey2Request { ParentHandle = _key, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new LoadKey2(), request, KeySession(TpmDelegateKeyPermission.LoadKey2)));
        PermanentState permanent = _tpm.State.Permanent;
        _tpm.State = _tpm.State with { Permanent = permanent with { Data = permanent.Data with { RestrictDelegate = (uint)TpmCmkDelegate.Storage } } };
        Assert.NotEqual(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new LoadKey2(), request, KeySession(TpmDelegateKeyPermission.LoadKey2)));
    }

    [Fact]
    public void Dsap_Description5_EachUse_ChecksPcrsAndLocality()
    {
        var pcrInfo = new TpmPcrInfoShort
        {
            PcrSelection = TpmPcrSelection.Of(4),
            LocalityAtRelease = TpmLocalitySelection.Two,
            DigestAtRelease = _tpm.State.Pcrs.CompositeHash(TpmPcrSelection.Of(4)),
        };
        TpmDelegatePublic pub = TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner, pcrInfo: pcrInfo);
        Assert.Equal(TpmResult.BadLocality, PinKey(OwnerSession(pub)));
        _tpm.Locality = 2;
        TestAuth before = OwnerSession(pub);
        TestAuth extended = OwnerSession(pub);
        Assert.Equal(TpmResult.Success, PinKey(before));
        _tpm.State = _tpm.State with { Pcrs = _tpm.State.Pcrs.Extend(4, default) };
        Assert.Equal(TpmResult.WrongPcrVal, PinKey(extended));
    }

    [Fact]
    public void Dsap_Description5_EachUse_ChecksTheFamily()
    {
        TestAuth disabled = OwnerSession(KeyControl);
        TestAuth old = OwnerSession(KeyControl);
        TestAuth gone = OwnerSession(KeyControl);
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, PinKey(disabled));
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.FamilyCount, PinKey(old));
        _tpm.ChangeDelegation(tables => tables.WithoutFamily(1));
        Assert.Equal(TpmResult.BadIndex, PinKey(gone));
    }

    private TpmResult ResultOfRow() => _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 1]);

    private TpmResult ResultOfKeyBlob(TpmDelegateKeyBlob blob) => _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, WireFormat.ToBytes(blob), _key);

    private TpmResult ResultOf(in TpmDelegatePublic pub) =>
        _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(pub)));

    private TestAuth OwnerSession(in TpmDelegatePublic pub) => _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(pub)));

    private TestAuth KeySession(TpmDelegateKeyPermission permissions) =>
        _tpm.Dsap(TpmEntityType.DelegateKeyBlob, WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(permissions), _key)), _key);

    private TpmResult PinKey(TestAuth auth) => _tpm.ResultOf(
        new KeyControlOwner(),
        new KeyControlOwnerRequest
        {
            KeyHandle = _key,
            PubKey = _tpm.State.Keys.Find(_key)!.Key.ToPubKey(),
            BitName = TpmKeyControl.OwnerEvict,
            BitValue = true,
        },
        auth);
}
