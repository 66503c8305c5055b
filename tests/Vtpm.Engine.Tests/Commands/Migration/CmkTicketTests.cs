using System.Security.Cryptography;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Encodings;
using Org.BouncyCastle.Crypto.Engines;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Security;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

/// <summary>TPM_CMK_ApproveMA and TPM_CMK_CreateTicket.</summary>
public class CmkTicketTests
{
    private static readonly byte[] Digest = SHA1.HashData("signed"u8);

    private readonly TestTpm _tpm = new();
    private readonly ReadOnlyMemory<byte> _modulus = new FixedRsa().Generate(1024).Modulus;

    public CmkTicketTests() => _tpm.TakeOwnership();

    [Fact]
    public void CmkApproveMA_Actions2To4_Ticket_IsAnHmacWithTpmProof() =>
        Assert.Equal(CmkSource.Hmac(_tpm, [0, 0x35, .. Digest]), _tpm.ApproveMA(new TpmDigest(Digest)).ReadOnlySpan);

    [Fact]
    public void CmkApproveMA_Action1_NotTheOwner_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CmkApproveMA(), default, _tpm.Oiap(TestTpm.KeyAuth)));

    [Theory]
    [InlineData(TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    [InlineData(TpmSigScheme.RsaSsaPkcs1V15Info)]
    public void CmkCreateTicket_Actions4To6_Ticket_IsAnHmacWithTpmProof(TpmSigScheme scheme)
    {
        TpmPubKey key = Key(sig: scheme);
        TpmDigest ticket = _tpm.CreateTicket(key, new TpmDigest(Digest), Witness.Sign(_modulus, Digest));
        Assert.Equal(CmkSource.Hmac(_tpm, [0, 0x34, .. MigrationSource.DigestOf(key), .. Digest]), ticket.ReadOnlySpan);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(2048)]
    [InlineData(3072)]
    public void CmkCreateTicket_Action3_KeyOfAnyLength_IsVerifiedAsTheBaseLibrarySigns(int keyLength)
    {
        using RSA rsa = RSA.Create(keyLength);
        RSAParameters parameters = rsa.ExportParameters(false);
        TpmPubKey key = MigrationSource.PubKey(parameters.Modulus, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1, parameters.Exponent);
        byte[] signature = rsa.SignHash(Digest, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        Assert.Equal(TpmResult.Success, ResultOf(key, signature));
        signature[^1] ^= 1;
        Assert.Equal(TpmResult.BadSignature, ResultOf(key, signature));
    }

    [Fact]
    public void CmkCreateTicket_Action3_KeyWithAnotherExponent_IsVerified()
    {
        var generator = new RsaKeyPairGenerator();
        BigInteger three = BigInteger.ValueOf(3);
        generator.Init(new RsaKeyGenerationParameters(three, new SecureRandom(), 1024, 80));
        AsymmetricCipherKeyPair pair = generator.GenerateKeyPair();
        byte[] modulus = ((RsaKeyParameters)pair.Public).Modulus.ToByteArrayUnsigned();
        var cipher = new Pkcs1Encoding(new RsaEngine());
        cipher.Init(true, pair.Private);
        byte[] digestInfo = [.. Convert.FromHexString("3021300906052b0e03021a05000414"), .. Digest];
        byte[] signature = cipher.ProcessBlock(digestInfo, 0, digestInfo.Length);
        TpmPubKey key = MigrationSource.PubKey(modulus, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1, [3]);
        Assert.Equal(TpmResult.Success, ResultOf(key, signature));
        Assert.Equal(TpmResult.BadSignature, ResultOf(Key(), signature));
    }

    [Fact]
    public void CmkCreateTicket_Action1_NotTheOwner_AuthFail() => Assert.Equal(
        TpmResult.AuthFail, _tpm.ResultOf(new CmkCreateTicket(), Request(Key(), Witness.Sign(_modulus, Digest)), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void CmkCreateTicket_Action2a_NoRsaKey_BadKeyProperty()
    {
        TpmPubKey key = Key();
        key.AlgorithmParms.AlgorithmId = TpmAlgorithmId.Sha;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key));
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(Key() with { PubKey = default }));
    }

    [Theory]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1)]
    [InlineData(TpmEncScheme.RsaesPkcsV15)]
    public void CmkCreateTicket_Action2b_KeyThatEncrypts_InappropriateEnc(TpmEncScheme scheme) =>
        Assert.Equal(TpmResult.InappropriateEnc, ResultOf(Key(scheme)));

    [Theory]
    [InlineData(TpmSigScheme.None)]
    [InlineData(TpmSigScheme.RsaSsaPkcs1V15Der)]
    public void CmkCreateTicket_Action2c_OtherScheme_InvalidKeyUsage(TpmSigScheme scheme) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Key(sig: scheme)));

    [Fact]
    public void CmkCreateTicket_Action3_OtherSignature_BadSignature()
    {
        byte[] good = Witness.Sign(_modulus, Digest);
        byte[] ofAnother = Witness.Sign(_modulus, new byte[20]);
        foreach (byte[] bad in (byte[][])[[], good[1..], [0, .. good], new byte[128], [.. Enumerable.Repeat((byte)0xFF, 128)], ofAnother])
            Assert.Equal(TpmResult.BadSignature, ResultOf(Key(), bad));
        Assert.Equal(TpmResult.Success, ResultOf(Key(), good));
    }

    private static CmkCreateTicketRequest Request(TpmPubKey key, byte[] signature) =>
        new() { VerificationKey = key, SignedData = new TpmDigest(Digest), SignatureValue = signature };

    private TpmPubKey Key(TpmEncScheme enc = TpmEncScheme.None, TpmSigScheme sig = TpmSigScheme.RsaSsaPkcs1V15Sha1) =>
        MigrationSource.PubKey(_modulus, enc, sig);

    private TpmResult ResultOf(TpmPubKey key, byte[]? signature = null) => _tpm.ResultOf(
        new CmkCreateTicket(), Request(key, signature ?? Witness.Sign(_modulus, Digest)), _tpm.Oiap(TestTpm.OwnerAuth));
}
