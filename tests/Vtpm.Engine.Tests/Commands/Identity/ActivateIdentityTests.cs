using System.Security.Cryptography;
using Vtpm.Engine.Commands.Identity;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Identity;

public class ActivateIdentityTests
{
    private static readonly byte[] Auth = SHA1.HashData("identity"u8);

    /// <summary>TPM_SYMMETRIC_KEY: AES-128 in counter mode, 16 bytes.</summary>
    private static readonly byte[] SessionKey = [0, 0, 0, 6, 0, 4, 0, 16, .. SHA1.HashData("session"u8).AsSpan(0, 16)];

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _identity;
    private readonly uint _handle;

    public ActivateIdentityTests()
    {
        _tpm.TakeOwnership();
        _identity = _tpm.MakeIdentity(identityAuth: Auth).IdKey;
        _handle = _tpm.LoadKey2(_identity);
    }

    private byte[] IdDigest => SHA1.HashData(WireFormat.ToBytes(_identity.ToPubKey()));

    private ReadOnlyMemory<byte> Pubek => _tpm.State.Permanent.Data.EndorsementKey!.Key.PubKey.Key;

    [Fact]
    public void ActivateIdentity_Action7b_AsymCAContents_ReleasesTheSessionKey() => Assert.Equal(SessionKey, Activate([.. SessionKey, .. IdDigest]));

    [Fact]
    public void ActivateIdentity_Actions8bAnd8f_EKBlob_ReleasesTheSessionKey()
    {
        Assert.Equal(SessionKey, Activate(EKBlob([0, 3, 0, 0, 0, 0x1F, .. new byte[20]])));
        Assert.Equal(SessionKey, Activate(EKBlob([0, 0, 0x1F, .. new byte[20]])));
    }

    [Fact]
    public void ActivateIdentity_IdentityThatNeedsNoAuth_NeedsTheOwnerAlone()
    {
        TpmKey identity = _tpm.MakeIdentity(TestTpm.KeyInfo(TpmKeyUsage.Identity) with { AuthDataUsage = TpmAuthDataUsage.Never }).IdKey;
        byte[] blob = Witness.EncryptOaep(Pubek, [.. SessionKey, .. SHA1.HashData(WireFormat.ToBytes(identity.ToPubKey()))]);
        var request = new ActivateIdentityRequest { IdKeyHandle = _tpm.LoadKey2(identity), Blob = blob };
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new ActivateIdentity(), request, _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new ActivateIdentity(), request with { IdKeyHandle = _handle }, _tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void ActivateIdentity_Action1_WrongOwnerAuth_Auth2Fail() =>
        Assert.Equal(TpmResult.Auth2Fail, ResultOf([.. SessionKey, .. IdDigest], owner: Auth));

    [Fact]
    public void ActivateIdentity_Action2_WrongIdentityAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf([.. SessionKey, .. IdDigest], identity: TestTpm.WellKnown));

    [Fact]
    public void ActivateIdentity_Action3_SigningKey_BadParameter()
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), Auth);
        Assert.Equal(TpmResult.BadParameter, ResultOf([.. SessionKey, .. IdDigest], handle: key));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    public void ActivateIdentity_Action5_NotForTheEndorsementKey_DecryptError(int length)
    {
        var request = new ActivateIdentityRequest { IdKeyHandle = _handle, Blob = new byte[length] };
        Assert.Equal(TpmResult.DecryptError, _tpm.ResultOf(new ActivateIdentity(), request, _tpm.Oiap(Auth), _tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void ActivateIdentity_Action7a_CredentialOfAnotherIdentity_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, ResultOf([.. SessionKey, .. SHA1.HashData("another"u8)]));

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("000c")]
    [InlineData("000c000100000000")]
    [InlineData("00000006000400ff0000")]
    public void ActivateIdentity_Action6_MalformedContents_BadParameter(string plain) =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(Convert.FromHexString(plain)));

    [Fact]
    public void ActivateIdentity_Action8a_BlobWithAnAuthValue_BadType() =>
        Assert.Equal(TpmResult.BadType, ResultOf([0, 0x0C, 0, 2, 0, 0, 0, 22, 0, 0x0D, .. new byte[20]]));

    [Fact]
    public void ActivateIdentity_Action8c_EKBlobOfAnotherIdentity_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(EKBlob([0, 3, 0, 0, 0, 0x1F, .. new byte[20]], SHA1.HashData("another"u8))));

    [Fact]
    public void ActivateIdentity_Action8d_Registers_MustBeAsTheCAWantsThem()
    {
        byte[] blob = EKBlob([0, 3, 1, 0, 0, 0x1F, .. Witness.Sha1([0, 3, 1, 0, 0, 0, 0, 0, 20], new byte[20])]);
        Assert.Equal(SessionKey, Activate(blob));
        _tpm.Send(new Extend(), default);
        Assert.Equal(TpmResult.WrongPcrVal, ResultOf(blob));
    }

    [Fact]
    public void ActivateIdentity_Action8e_OtherLocality_BadLocality()
    {
        byte[] blob = EKBlob([0, 3, 0, 0, 0, 0x04, .. new byte[20]]);
        Assert.Equal(TpmResult.BadLocality, ResultOf(blob));
        _tpm.Locality = 2;
        Assert.Equal(SessionKey, Activate(blob));
    }

    [Theory]
    [InlineData("0004000000001f")]
    [InlineData("000300000000")]
    [InlineData("000300000020")]
    public void ActivateIdentity_Action8_InvalidPcrInfo_Refused(string info) =>
        Assert.Equal(TpmResult.InvalidPcrInfo, ResultOf(EKBlob([.. Convert.FromHexString(info), .. new byte[20]])));

    private byte[] EKBlob(byte[] pcrInfoShort, byte[]? idDigest = null)
    {
        byte[] activate = [0, 0x2B, .. SessionKey, .. idDigest ?? IdDigest, .. pcrInfoShort];
        return [0, 0x0C, 0, 1, 0, 0, 0, (byte)activate.Length, .. activate];
    }

    private byte[] Activate(byte[] plain)
    {
        var request = new ActivateIdentityRequest { IdKeyHandle = _handle, Blob = Witness.EncryptOaep(Pubek, plain) };
        return WireFormat.ToBytes(_tpm.Send(new ActivateIdentity(), request, _tpm.Oiap(Auth), _tpm.Oiap(TestTpm.OwnerAuth)).SymmetricKey);
    }

    private TpmResult ResultOf(byte[] plain, byte[]? identity = null, byte[]? owner = null, uint? handle = null)
    {
        var request = new ActivateIdentityRequest { IdKeyHandle = handle ?? _handle, Blob = Witness.EncryptOaep(Pubek, plain) };
        return _tpm.ResultOf(new ActivateIdentity(), request, _tpm.Oiap(identity ?? Auth), _tpm.Oiap(owner ?? TestTpm.OwnerAuth));
    }
}
