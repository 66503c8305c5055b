using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class UnsealTests
{
    private static readonly byte[] DataAuth = SHA1.HashData("data"u8);
    private static readonly byte[] Secret = "the secret"u8.ToArray();

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public UnsealTests() => _srk = _tpm.TakeOwnership();

    [Fact]
    public void Unseal_Actions4bAnd10_SealedBlob_RevealsTheData() => Assert.Equal(Secret, Unseal(Seal()));

    [Fact]
    public void Unseal_AfterPowerCycle_RevealsTheData()
    {
        TpmStoredData blob = Seal();
        _tpm.PowerCycle();
        Assert.Equal(Secret, Unseal(blob));
    }

    [Fact]
    public void Unseal_BlobMadeByHand_RevealsTheData()
    {
        byte[] plain =
        [
            (byte)TpmPayloadType.Seal, .. DataAuth, .. _tpm.State.Permanent.Data.TpmProof.Span, .. SHA1.HashData([1, 1, 0, 0, 0, 0, 0, 0]), 0, 0, 0, 3, 7, 8, 9,
        ];
        Assert.Equal([7, 8, 9], Unseal(new TpmStoredData { Ver = TpmStoredData.Version11, EncData = Witness.EncryptOaep(_srk.PubKey.Key, plain) }));
    }

    [Fact]
    public void Unseal_BothSessionsToGoOn_GoOn()
    {
        TestAuth parent = _tpm.Oiap(TestTpm.WellKnown, goesOn: true);
        TestAuth data = _tpm.Oiap(DataAuth, goesOn: true);
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = Seal() };
        _tpm.Send(new Unseal(), request, parent, data);
        Assert.Equal(Secret, _tpm.Send(new Unseal(), request, parent, data).Secret.ToArray());
        Assert.True(parent.GoesOn && data.GoesOn);
    }

    [Fact]
    public void Unseal_ParentThatNeedsNoAuth_TakesTheOneSessionForTheData()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        info.AuthDataUsage = TpmAuthDataUsage.Never;
        uint key = _tpm.NewKey(info);
        TpmStoredData blob = Seal(key: key);
        var request = new UnsealRequest { ParentHandle = key, InData = blob };
        Assert.Equal(Secret, _tpm.Send(new Unseal(), request, _tpm.Oiap(DataAuth)).Secret.ToArray());
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Unseal(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void Unseal_Action1_WrongParentAuth_AuthFail() => Assert.Equal(TpmResult.AuthFail, ResultOf(Seal(), parentAuth: DataAuth));

    [Fact]
    public void Unseal_Action1_ParentThatNeedsAuthButOneSession_AuthFail() =>
        Assert.Equal(
            TpmResult.AuthFail,
            _tpm.ResultOf(new Unseal(), new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = Seal() }, _tpm.Oiap(DataAuth)));

    [Fact]
    public void Unseal_Action2_SigningKey_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Seal(), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing))));

    [Fact]
    public void Unseal_Action3_MigratableKey_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Seal(), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable))));

    [Fact]
    public void Unseal_Action4c_UnknownVersion_BadVersion()
    {
        var request = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = Seal() };
        byte[] bytes = TestTpm.Request(new Unseal(), request, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(DataAuth));
        bytes[14] = 2;
        Assert.Equal(TpmResult.BadVersion, TestTpm.ResultOf(_tpm.Execute(bytes)));
    }

    [Fact]
    public void Unseal_Action5_OtherParent_NotSealedBlob() =>
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(Seal(), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage))));

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(257)]
    public void Unseal_Action5_CiphertextOfAnotherSize_NotSealedBlob(int size) =>
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(Seal() with { EncData = new byte[size] }));

    [Fact]
    public void Unseal_Actions6aAnd6h_DecryptedBytesThatAreNoSealedData_NotSealedBlob()
    {
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(ByHand([])));
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(ByHand([(byte)TpmPayloadType.Seal, .. new byte[60], 0, 0, 0, 200, 1])));
    }

    [Fact]
    public void Unseal_Action6b_BlobOfAnotherTpm_NotSealedBlob()
    {
        byte[] plain =
        [
            (byte)TpmPayloadType.Seal, .. DataAuth, .. SHA1.HashData("another"u8), .. SHA1.HashData([1, 1, 0, 0, 0, 0, 0, 0]), 0, 0, 0, 1, 7,
        ];
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(ByHand(plain)));
    }

    [Fact]
    public void Unseal_Action6f_PcrInfoTakenAway_NotSealedBlob()
    {
        TpmStoredData blob = Seal([0, 3, 1, 0, 0, .. new byte[40]]);
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(blob with { SealInfo = default }));
    }

    [Fact]
    public void Unseal_Action6f_EntityTypeTakenAway_NotSealedBlob() =>
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(Seal() with { Ver = TpmStoredData.Tag12(0) }));

    [Fact]
    public void Unseal_Action6g_OtherPayload_NotSealedBlob()
    {
        byte[] plain =
        [
            (byte)TpmPayloadType.Bind, .. DataAuth, .. _tpm.State.Permanent.Data.TpmProof.Span, .. SHA1.HashData([1, 1, 0, 0, 0, 0, 0, 0]), 0, 0, 0, 1, 7,
        ];
        Assert.Equal(TpmResult.NotSealedBlob, ResultOf(ByHand(plain)));
    }

    [Fact]
    public void Unseal_Actions7aAnd7c_RegistersAsNamed_RevealsAndOthersAreWrongPcrVal()
    {
        byte[] release = Witness.Sha1([0, 3, 0, 8, 0, 0, 0, 0, 20], new byte[20]);
        TpmStoredData blob = Seal([0, 3, 0, 8, 0, .. release, .. new byte[20]]);
        Assert.Equal(Secret, Unseal(blob));
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 11 });
        Assert.Equal(TpmResult.WrongPcrVal, ResultOf(blob));
    }

    [Fact]
    public void Unseal_Action7a_EmptySelection_ChecksNoDigest() => Assert.Equal(Secret, Unseal(Seal([0, 3, 0, 0, 0, .. SHA1.HashData("any"u8), .. new byte[20]])));

    [Fact]
    public void Unseal_Actions4aAnd7bTo7c_ReleasePcrsNotCreationPcrs_AreChecked()
    {
        byte[] release = Witness.Sha1([0, 3, 0, 8, 0, 0, 0, 0, 20], new byte[20]);
        TpmStoredData blob = Seal([0, 6, 1, 0x1F, 0, 3, 1, 0, 0, 0, 3, 0, 8, 0, .. new byte[20], .. release]);
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 0 });
        Assert.Equal(Secret, Unseal(blob));
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 11 });
        Assert.Equal(TpmResult.WrongPcrVal, ResultOf(blob));
    }

    [Fact]
    public void Unseal_Action7b_OtherLocality_BadLocality()
    {
        TpmStoredData blob = Seal([0, 6, 1, 0x06, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]]);
        Assert.Equal(TpmResult.BadLocality, ResultOf(blob));
        foreach (int locality in (int[])[1, 2])
        {
            _tpm.Locality = locality;
            Assert.Equal(Secret, Unseal(blob));
        }

        // A locality that only Xen's transport has matches none.
        _tpm.Locality = 9;
        Assert.Equal(TpmResult.BadLocality, ResultOf(blob));
    }

    [Fact]
    public void Unseal_Action7b_LocalityWithoutBitAndNoRestriction_Reveals()
    {
        TpmStoredData blob = Seal([0, 6, 1, 0x1F, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]]);
        _tpm.Locality = 9;
        Assert.Equal(Secret, Unseal(blob));
    }

    [Fact]
    public void Unseal_Action8_WrongDataAuth_SaysThatItWasTheSecond() =>
        Assert.Equal(TpmResult.Auth2Fail, ResultOf(Seal(), dataAuth: TestTpm.WellKnown));

    [Fact]
    public void Unseal_Action8_WrongDataAuth_CountsAsGuess()
    {
        TpmStoredData blob = Seal();
        uint before = _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations;
        ResultOf(blob, dataAuth: TestTpm.WellKnown);
        Assert.Equal(before + 1, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    private TpmStoredData ByHand(byte[] plain) => new() { Ver = TpmStoredData.Version11, EncData = Witness.EncryptOaep(_srk.PubKey.Key, plain) };

    private TpmStoredData Seal(byte[]? pcrInfo = null, uint key = TpmKeyHandle.Srk)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, key, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = key, EncAuth = TestTpm.EncryptAuth(osap, DataAuth), PcrInfo = pcrInfo, InData = Secret };
        return _tpm.Send(new Seal(), request, osap).SealedData;
    }

    private byte[] Unseal(TpmStoredData blob) =>
        _tpm.Send(new Unseal(), new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob }, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(DataAuth))
            .Secret.ToArray();

    private TpmResult ResultOf(TpmStoredData blob, uint parent = TpmKeyHandle.Srk, byte[]? parentAuth = null, byte[]? dataAuth = null) => _tpm.ResultOf(
        new Unseal(), new UnsealRequest { ParentHandle = parent, InData = blob }, _tpm.Oiap(parentAuth ?? TestTpm.WellKnown), _tpm.Oiap(dataAuth ?? DataAuth));
}
