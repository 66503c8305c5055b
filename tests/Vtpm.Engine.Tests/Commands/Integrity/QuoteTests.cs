using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Integrity;

/// <summary>TPM_Quote and TPM_Quote2.</summary>
public class QuoteTests
{
    private static readonly byte[] Auth = SHA1.HashData("identity"u8);
    private static readonly TpmNonce Nonce = new(SHA1.HashData("nonce"u8));
    private static readonly byte[] Pcr10 = Witness.Sha1(new byte[20], SHA1.HashData("event"u8));

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _identity;
    private readonly uint _handle;

    public QuoteTests()
    {
        _tpm.TakeOwnership();
        _identity = _tpm.MakeIdentity(identityAuth: Auth).IdKey;
        _handle = _tpm.LoadKey2(_identity);
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 10, InDigest = new TpmDigest(SHA1.HashData("event"u8)) });
    }

    [Fact]
    public void Quote_Actions5To8_Registers_AreReportedAndSigned()
    {
        QuoteResponse response = Quote([0x01, 0x04, 0x00]);
        byte[] composite = [0, 3, 0x01, 0x04, 0x00, 0, 0, 0, 40, .. new byte[20], .. Pcr10];
        Assert.Equal(composite, WireFormat.ToBytes(response.PcrData));
        byte[] info = [1, 1, 0, 0, .. "QUOT"u8, .. SHA1.HashData(composite), .. Nonce.ReadOnlySpan];
        Witness.VerifySignature(_identity.PubKey.Key, SHA1.HashData(info), response.Sig);
    }

    [Theory]
    [InlineData("000000")]
    [InlineData("01")]
    [InlineData("ffff")]
    [InlineData("ffffff")]
    public void Quote_AnySelection_SignsTheDigestOfWhatItReports(string select)
    {
        QuoteResponse response = Quote(Convert.FromHexString(select));
        byte[] info = [1, 1, 0, 0, .. "QUOT"u8, .. SHA1.HashData(WireFormat.ToBytes(response.PcrData)), .. Nonce.ReadOnlySpan];
        Witness.VerifySignature(_identity.PubKey.Key, SHA1.HashData(info), response.Sig);
    }

    [Theory]
    [InlineData(TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    [InlineData(TpmSigScheme.RsaSsaPkcs1V15Info)]
    public void Quote_SigningKey_Quotes(TpmSigScheme scheme)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024);
        info.AlgorithmParms.SigScheme = scheme;
        TpmKey key = _tpm.CreateWrapKey(info, Auth);
        QuoteResponse response = Quote([1], _tpm.LoadKey2(key));
        byte[] quoted = [1, 1, 0, 0, .. "QUOT"u8, .. Witness.Sha1([0, 1, 1, 0, 0, 0, 20], new byte[20]), .. Nonce.ReadOnlySpan];
        Witness.VerifySignature(key.PubKey.Key, SHA1.HashData(quoted), response.Sig);
    }

    [Fact]
    public void Quote_KeyThatNeedsNoAuth_NeedsNoSession()
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = TpmAuthDataUsage.Never });
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Quote(), Request([1], key)));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Quote2(), Request2([1], key)));
    }

    [Fact]
    public void QuoteAndQuote2_Action1_WrongAuth_AuthFail()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Quote(), Request([1]), _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Quote(), Request([1])));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Quote2(), Request2([1]), _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Quote2(), Request2([1])));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing, TpmSigScheme.RsaSsaPkcs1V15Der)]
    [InlineData(TpmKeyUsage.Bind, TpmSigScheme.None)]
    public void QuoteAndQuote2_Action2_KeyOfAnotherScheme_InappropriateSig(TpmKeyUsage usage, TpmSigScheme scheme)
    {
        TpmKey info = TestTpm.KeyInfo(usage, keyLength: 1024);
        info.AlgorithmParms.SigScheme = scheme;
        uint key = _tpm.NewKey(info, Auth);
        Assert.Equal(TpmResult.InappropriateSig, _tpm.ResultOf(new Quote(), Request([1], key), _tpm.Oiap(Auth)));
        Assert.Equal(TpmResult.InappropriateSig, _tpm.ResultOf(new Quote2(), Request2([1], key), _tpm.Oiap(Auth)));
    }

    /// <summary>No key can be made that has a scheme but is for no signatures: the key is altered in its slot.</summary>
    [Fact]
    public void QuoteAndQuote2_Action3_KeyForNoSignatures_InvalidKeyUsage()
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024), Auth);
        _tpm.AlterKey(key, (ref TpmKey altered) => altered.KeyUsage = TpmKeyUsage.Bind);
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new Quote(), Request([1], key), _tpm.Oiap(Auth)));
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new Quote2(), Request2([1], key), _tpm.Oiap(Auth)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("01000000")]
    public void QuoteAndQuote2_Action4_SelectionOfAnotherSize_InvalidPcrInfo(string select)
    {
        Assert.Equal(TpmResult.InvalidPcrInfo, _tpm.ResultOf(new Quote(), Request(Convert.FromHexString(select)), _tpm.Oiap(Auth)));
        Assert.Equal(TpmResult.InvalidPcrInfo, _tpm.ResultOf(new Quote2(), Request2(Convert.FromHexString(select)), _tpm.Oiap(Auth)));
    }

    [Fact]
    public void Quote_KeyBoundToOtherRegisters_WrongPcrVal()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing) with { PcrInfo = (byte[])[0, 3, 1, 0, 0, .. Auth, .. new byte[20]] };
        Assert.Equal(TpmResult.WrongPcrVal, _tpm.ResultOf(new Quote(), Request([1], _tpm.NewKey(info, Auth)), _tpm.Oiap(Auth)));
    }

    [Theory]
    [InlineData(0, 0x01)]
    [InlineData(3, 0x08)]
    [InlineData(9, 0x00)]
    public void Quote2_Actions5To7And9To11_Registers_AreSignedWithTheLocality(int locality, byte localityBit)
    {
        _tpm.Locality = locality;
        Quote2Response response = _tpm.Send(new Quote2(), Request2([0x01, 0x04, 0x00]), _tpm.Oiap(Auth));
        byte[] digest = Witness.Sha1([0, 3, 0x01, 0x04, 0x00, 0, 0, 0, 40], new byte[20], Pcr10);
        byte[] infoShort = [0, 3, 0x01, 0x04, 0x00, localityBit, .. digest];
        Assert.Equal(infoShort, WireFormat.ToBytes(response.PcrData));
        Assert.True(response.VersionInfo.IsEmpty);
        byte[] info = [0, 0x36, .. "QUT2"u8, .. Nonce.ReadOnlySpan, .. infoShort];
        Witness.VerifySignature(_identity.PubKey.Key, SHA1.HashData(info), response.Sig);
    }

    [Fact]
    public void Quote2_Action8_AddVersion_SignsTheVersionBehindTheRest()
    {
        Quote2Response response = _tpm.Send(new Quote2(), Request2([0, 0, 1]) with { AddVersion = true }, _tpm.Oiap(Auth));
        byte[] version = response.VersionInfo.ToArray();
        TpmProfile profile = TpmProfile.Xen;
        Assert.Equal([0, 0x30, 1, 2, profile.RevMajor, profile.RevMinor, 0, 2, profile.ErrataRev, .. "ETHZ"u8, 0, 0], version);
        byte[] info = [0, 0x36, .. "QUT2"u8, .. Nonce.ReadOnlySpan, .. WireFormat.ToBytes(response.PcrData), .. version];
        Witness.VerifySignature(_identity.PubKey.Key, SHA1.HashData(info), response.Sig);
    }

    private static TpmPcrSelection Select(byte[] bytes) => new() { PcrSelect = bytes };

    private QuoteRequest Request(byte[] select, uint? key = null) => new() { KeyHandle = key ?? _handle, ExternalData = Nonce, TargetPcr = Select(select) };

    private Quote2Request Request2(byte[] select, uint? key = null) => new() { KeyHandle = key ?? _handle, ExternalData = Nonce, TargetPcr = Select(select) };

    private QuoteResponse Quote(byte[] select, uint? key = null) => _tpm.Send(new Quote(), Request(select, key), _tpm.Oiap(Auth));
}
