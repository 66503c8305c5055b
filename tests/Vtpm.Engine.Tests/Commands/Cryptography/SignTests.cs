using System.Security.Cryptography;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Cryptography;

public class SignTests
{
    private static readonly byte[] Auth = SHA1.HashData("sign"u8);
    private static readonly byte[] Digest = SHA1.HashData("document"u8);

    private readonly TestTpm _tpm = new();

    public SignTests() => _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKeyUsage.Signing, 2048)]
    [InlineData(TpmKeyUsage.Signing, 512)]
    [InlineData(TpmKeyUsage.Legacy, 1024)]
    public void Sign_Action5_Sha1Scheme_SignsTheDigest(TpmKeyUsage usage, int keyLength)
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Sha1, out ReadOnlyMemory<byte> modulus, usage, keyLength);
        Witness.VerifySignature(modulus, Digest, Sign(key, Digest));
    }

    [Theory]
    [InlineData(19)]
    [InlineData(21)]
    [InlineData(3000)]
    public void Sign_Action5a_Sha1SchemeAndNoDigest_BadParameter(int length) =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(NewKey(TpmSigScheme.RsaSsaPkcs1V15Sha1, out _), new byte[length]));

    [Theory]
    [InlineData(1)]
    [InlineData(51)]
    [InlineData(117)]
    public void Sign_Action6_DerScheme_SignsTheAreaAsItIs(int length)
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Der, out ReadOnlyMemory<byte> modulus, keyLength: 1024);
        byte[] area = [.. Enumerable.Range(1, length).Select(i => (byte)i)];
        Assert.Equal(area, Witness.SignedArea(modulus, Sign(key, area)));
    }

    [Fact]
    public void Sign_Action6_DigestInfoOfSha256_IsASignatureWithSha256()
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Der, out ReadOnlyMemory<byte> modulus);
        byte[] hash = SHA256.HashData("document"u8);
        ReadOnlyMemory<byte> signature = Sign(key, [.. Convert.FromHexString("3031300d060960864801650304020105000420"), .. hash]);
        using RSA rsa = RSA.Create(new RSAParameters { Modulus = modulus.ToArray(), Exponent = [1, 0, 1] });
        Assert.True(rsa.VerifyHash(hash, signature.Span, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    [Fact]
    public void Sign_Action6a_AreaTooLongForTheKey_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(NewKey(TpmSigScheme.RsaSsaPkcs1V15Der, out _, keyLength: 1024), new byte[118]));

    [Fact]
    public void Sign_Action7_InfoScheme_SignsASignInfoWithTheCallersNonce()
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Info, out ReadOnlyMemory<byte> modulus);
        TestAuth auth = _tpm.Oiap(Auth);
        byte[] nonce = auth.NonceOdd.ReadOnlySpan.ToArray();
        byte[] area = "anything"u8.ToArray();
        ReadOnlyMemory<byte> signature = _tpm.Send(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = area }, auth).Sig;
        Witness.VerifySignature(modulus, Witness.Sha1([0, 5], "SIGN"u8.ToArray(), nonce, [0, 0, 0, 8], area), signature);
    }

    [Fact]
    public void Sign_Action7c_InfoSchemeWithoutSession_BadParameter()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024) with { AuthDataUsage = TpmAuthDataUsage.Never };
        info.AlgorithmParms.SigScheme = TpmSigScheme.RsaSsaPkcs1V15Info;
        Assert.Equal(TpmResult.BadParameter, _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = _tpm.NewKey(info), AreaToSign = Digest }));
    }

    [Fact]
    public void Sign_KeyThatNeedsNoAuth_NeedsNoSession()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024) with { AuthDataUsage = TpmAuthDataUsage.Never };
        TpmKey key = _tpm.CreateWrapKey(info);
        Witness.VerifySignature(key.PubKey.Key, Digest, _tpm.Send(new Sign(), new SignRequest { KeyHandle = _tpm.LoadKey2(key), AreaToSign = Digest }).Sig);
    }

    [Fact]
    public void Sign_Action1_WrongAuth_AuthFail()
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Sha1, out _);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = Digest }, _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = Digest }));
    }

    [Fact]
    public void Sign_Action2_NoArea_BadParameter() => Assert.Equal(TpmResult.BadParameter, ResultOf(NewKey(TpmSigScheme.RsaSsaPkcs1V15Der, out _), []));

    [Fact]
    public void Sign_Action3_StorageKey_InvalidKeyUsage() =>
        Assert.Equal(
            TpmResult.InvalidKeyUsage,
            _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = TpmKeyHandle.Srk, AreaToSign = Digest }, _tpm.Oiap(TestTpm.WellKnown)));

    [Fact]
    public void Sign_Action3_Identity_InvalidKeyUsage()
    {
        uint aik = _tpm.LoadKey2(_tpm.MakeIdentity(identityAuth: Auth).IdKey);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(aik, Digest));
    }

    [Fact]
    public void Sign_SessionToGoOn_SignsAgain()
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Sha1, out ReadOnlyMemory<byte> modulus, keyLength: 1024);
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, key, Auth, goesOn: true);
        for (int i = 0; i < 3; i++)
            Witness.VerifySignature(modulus, Digest, _tpm.Send(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = Digest }, osap).Sig);
        Assert.True(osap.GoesOn);
    }

    /// <summary>No key can be made with such a scheme for this usage: the key is altered in its slot.</summary>
    [Fact]
    public void Sign_Action8_NoScheme_InvalidKeyUsage()
    {
        uint key = NewKey(TpmSigScheme.RsaSsaPkcs1V15Sha1, out _);
        _tpm.AlterKey(key, (ref TpmKey altered) => altered.AlgorithmParms.SigScheme = TpmSigScheme.None);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(key, Digest));
    }

    [Fact]
    public void Sign_KeyWhoseFactorsAreNoPrimes_BadKeyProperty()
    {
        TpmKey srk = _tpm.State.Permanent.Data.Srk!.Key;
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024);
        TpmRsaKeyPair first = new FixedRsa().Generate(512);
        byte[] modulus = new byte[128];
        var product = new Org.BouncyCastle.Math.BigInteger(1, first.Modulus.ToArray()).Square().ToByteArrayUnsigned();
        product.CopyTo(modulus, modulus.Length - product.Length);
        key.PubKey = new TpmStorePubKey { Key = modulus };
        key = Witness.Wrap(srk.PubKey.Key, key, Auth, Auth, first.Modulus.ToArray());
        var load = new Vtpm.Engine.Commands.Storage.LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key };
        TpmResult loaded = _tpm.TrySend(new Vtpm.Engine.Commands.Storage.LoadKey2(), load, out var response, _tpm.Oiap(TestTpm.WellKnown));
        Assert.Equal(TpmResult.BadKeyProperty, loaded == TpmResult.Success ? ResultOf(response.InKeyHandle, Digest) : loaded);
    }

    private uint NewKey(TpmSigScheme scheme, out ReadOnlyMemory<byte> modulus, TpmKeyUsage usage = TpmKeyUsage.Signing, int keyLength = 2048)
    {
        TpmKey info = TestTpm.KeyInfo(usage, keyLength: keyLength);
        info.AlgorithmParms.SigScheme = scheme;
        TpmKey key = _tpm.CreateWrapKey(info, Auth);
        modulus = key.PubKey.Key;
        return _tpm.LoadKey2(key);
    }

    private ReadOnlyMemory<byte> Sign(uint key, byte[] area) =>
        _tpm.Send(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = area }, _tpm.Oiap(Auth)).Sig;

    private TpmResult ResultOf(uint key, byte[] area) => _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = key, AreaToSign = area }, _tpm.Oiap(Auth));
}
