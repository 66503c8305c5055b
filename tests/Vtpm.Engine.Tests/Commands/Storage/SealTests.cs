using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class SealTests
{
    private static readonly byte[] DataAuth = SHA1.HashData("data"u8);
    private static readonly byte[] Secret = "the secret"u8.ToArray();

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public SealTests() => _srk = _tpm.TakeOwnership();

    [Fact]
    public void Seal_Actions5aAnd6And10And14And16And19And20_NoPcrs_BlobIsStoredDataThatHoldsAuthProofAndData()
    {
        TpmStoredData blob = Seal([]);
        Assert.Equal(TpmStoredData.Version11, blob.Ver);
        Assert.True(blob.SealInfo.IsEmpty);
        byte[] expected =
        [
            (byte)TpmPayloadType.Seal, .. DataAuth, .. _tpm.State.Permanent.Data.TpmProof.Span,
            .. SHA1.HashData([1, 1, 0, 0, 0, 0, 0, 0]), 0, 0, 0, (byte)Secret.Length, .. Secret,
        ];
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, blob.EncData));
    }

    [Fact]
    public void Seal_Actions5bAnd11a_PcrInfo_DigestAtCreationIsOfTheRegistersNow()
    {
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = new TpmDigest(SHA1.HashData("x"u8)) });
        byte[] release = SHA1.HashData("release"u8);
        TpmStoredData blob = Seal([0, 2, 0x01, 0x02, .. release, .. new byte[20]]);
        byte[] pcr9 = Witness.Sha1(new byte[20], SHA1.HashData("x"u8));
        byte[] creation = Witness.Sha1([0, 2, 0x01, 0x02, 0, 0, 0, 40], new byte[20], pcr9);
        Assert.Equal([0, 2, 0x01, 0x02, .. release, .. creation], blob.SealInfo.ToArray());
        Assert.Equal(TpmStoredData.Version11, blob.Ver);
    }

    [Fact]
    public void Seal_Actions5bAnd7And11b_PcrInfoLong_BlobIsStoredData12WithLocalityAndDigestOfNow()
    {
        _tpm.Locality = 2;
        byte[] release = SHA1.HashData("release"u8);
        TpmStoredData blob = Seal([0, 6, 0x55, 0x1F, 0, 3, 0, 0, 1, 0, 3, 1, 0, 0, .. new byte[20], .. release]);
        Assert.Equal(TpmStoredData.Tag12(0), blob.Ver);
        byte[] creation = Witness.Sha1([0, 3, 0, 0, 1, 0, 0, 0, 20], new byte[20]);
        Assert.Equal([0, 6, 0x04, 0x1F, 0, 3, 0, 0, 1, 0, 3, 1, 0, 0, .. creation, .. release], blob.SealInfo.ToArray());
    }

    [Fact]
    public void Seal_EmptySelection_DigestAtCreationIsZero() =>
        Assert.Equal(new byte[20], Seal([0, 3, 0, 0, 0, .. new byte[20], .. Enumerable.Repeat((byte)7, 20)]).SealInfo[^20..].ToArray());

    [Fact]
    public void Seal_Action1_WrongKeyAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = Secret }, srkAuth: DataAuth));

    [Fact]
    public void Seal_Action2_NoData_BadParameter() => Assert.Equal(TpmResult.BadParameter, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk }));

    [Fact]
    public void Seal_Action3_SigningKey_InvalidKeyUsage()
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(new SealRequest { KeyHandle = key, InData = Secret }));
    }

    [Fact]
    public void Seal_Action4_MigratableKey_InvalidKeyUsage()
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(new SealRequest { KeyHandle = key, InData = Secret }));
    }

    [Theory]
    [InlineData("0000")]
    [InlineData("000401000000")]
    [InlineData("0003010000")]
    [InlineData("0006")]
    [InlineData("00061f1f00030100000003010000")]
    public void Seal_Action11_MalformedPcrInfo_BadIndex(string pcrInfo) =>
        Assert.Equal(TpmResult.BadIndex, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk, PcrInfo = Convert.FromHexString(pcrInfo), InData = Secret }));

    [Theory]
    [InlineData(0)]
    [InlineData(0x20)]
    public void Seal_Action11_LocalityAtReleaseThatIsNone_BadIndex(byte locality)
    {
        byte[] info = [0, 6, 1, locality, 0, 3, 0, 0, 1, 0, 3, 1, 0, 0, .. new byte[40]];
        Assert.Equal(TpmResult.BadIndex, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk, PcrInfo = info, InData = Secret }));
    }

    [Fact]
    public void Seal_Action12_OiapSession_BadMode()
    {
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = Secret };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new Seal(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void Seal_Action13_SecretOfZeroes_IsTaken()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, new byte[20]), InData = Secret };
        TpmStoredData blob = _tpm.Send(new Seal(), request, osap).SealedData;
        Assert.Equal(new byte[20], Witness.DecryptOaep(_srk.PubKey.Key, blob.EncData)[1..21]);
    }

    [Fact]
    public void Seal_Action15_AsMuchAsFits_SucceedsAndOneMoreIsBadDataSize()
    {
        const int Most = 256 - 42 - 65;
        Assert.Equal(TpmResult.Success, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = new byte[Most] }));
        Assert.Equal(TpmResult.BadDataSize, ResultOf(new SealRequest { KeyHandle = TpmKeyHandle.Srk, InData = new byte[Most + 1] }));
    }

    [Fact]
    public void Seal_Action17_SessionToGoOn_Ends()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new Seal(), new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, DataAuth), InData = Secret }, osap);
        Assert.False(osap.GoesOn);
        Assert.Null(_tpm.State.Sessions.Find(osap.Handle));
    }

    [Fact]
    public void Seal_UnknownKey_InvalidKeyHandle()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown);
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOf(new Seal(), new SealRequest { KeyHandle = 0x01000001, InData = Secret }, osap));
    }

    [Fact]
    public void Seal_KeyBoundToOtherPcrs_WrongPcrVal()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        info.PcrInfo = (byte[])[0, 3, 0, 4, 0, .. SHA1.HashData("elsewhere"u8), .. new byte[20]];
        uint key = _tpm.NewKey(info);
        Assert.Equal(TpmResult.WrongPcrVal, ResultOf(new SealRequest { KeyHandle = key, InData = Secret }));
    }

    [Fact]
    public void Seal_NothingThatPersists_Changes()
    {
        PermanentState before = _tpm.State.Permanent;
        Seal([]);
        Assert.Same(before, _tpm.State.Permanent);
    }

    private TpmStoredData Seal(byte[] pcrInfo)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, DataAuth), PcrInfo = pcrInfo, InData = Secret };
        return _tpm.Send(new Seal(), request, osap).SealedData;
    }

    private TpmResult ResultOf(SealRequest request, byte[]? srkAuth = null)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, request.KeyHandle, srkAuth ?? TestTpm.WellKnown);
        request.EncAuth = TestTpm.EncryptAuth(osap, DataAuth);
        return _tpm.ResultOf(new Seal(), request, osap);
    }
}
