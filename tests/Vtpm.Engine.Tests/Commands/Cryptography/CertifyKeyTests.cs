using System.Security.Cryptography;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Cryptography;

/// <summary>TPM_CertifyKey and TPM_CertifyKey2: much the same, with the handles the other way round.</summary>
public class CertifyKeyTests
{
    private static readonly byte[] CertAuth = SHA1.HashData("cert"u8);
    private static readonly byte[] KeyAuth = SHA1.HashData("key"u8);

    private readonly TestTpm _tpm = new();
    private readonly TpmNonce _antiReplay = new(SHA1.HashData("replay"u8));
    private TpmKey _cert;
    private TpmKey _key;

    public CertifyKeyTests() => _tpm.TakeOwnership();

    [Fact]
    public void CertifyKey_Actions10To15_KeyWithoutPcrs_IsACertifyInfo()
    {
        CertifyKeyResponse response = CertifyKey(Identity(), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)));
        byte[] expected =
        [
            1, 1, 0, 0, 0, 0x10, 0, 0, 0, 0, 1, .. WireFormat.ToBytes(_key.AlgorithmParms), .. SHA1.HashData(_key.PubKey.Key.Span),
            .. _antiReplay.ReadOnlySpan, 0, 0, 0, 0, 0,
        ];
        Verify(expected, response.CertifyInfo, response.OutData);
    }

    [Fact]
    public void CertifyKey_Actions8And9b_LowPcrsOfVersion11_IsACertifyInfoWith44BytesOfPcrInfo()
    {
        byte[] release = Witness.Sha1([0, 2, 0x10, 0, 0, 0, 0, 20], new byte[20]);
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage) with { PcrInfo = (byte[])[0, 2, 0x10, 0, .. release, .. new byte[20]] };
        CertifyKeyResponse response = CertifyKey(Identity(), Key(info));
        byte[] expected =
        [
            1, 1, 0, 0, 0, 0x11, 0, 0, 0, 0, 1, .. WireFormat.ToBytes(_key.AlgorithmParms), .. SHA1.HashData(_key.PubKey.Key.Span),
            .. _antiReplay.ReadOnlySpan, 0, 0, 0, 0, 44, 0, 2, 0x10, 0, .. release, .. new byte[20],
        ];
        Verify(expected, response.CertifyInfo, response.OutData);
    }

    [Theory]
    [InlineData(0x1F, 1)]
    [InlineData(0x01, 0)]
    public void CertifyKey_Actions7And9c_HighPcrsOrLocalities_IsACertifyInfo2(byte localities, byte lastSelect)
    {
        byte[] select = [0, 3, 0, 0, lastSelect];
        byte[] release = lastSelect == 0 ? new byte[20] : Witness.Sha1([.. select, 0, 0, 0, 20], new byte[20]);
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Bind, ver: TpmKey.Tag12);
        info.PcrInfo = (byte[])[0, 6, 1, localities, 0, 3, 0, 0, 0, .. select, .. new byte[20], .. release];
        CertifyKeyResponse response = CertifyKey(Identity(), Key(info));
        byte[] expected =
        [
            0, 0x29, 0, 1, 0, 0x14, 0, 0, 0, 0, 1, .. WireFormat.ToBytes(_key.AlgorithmParms), .. SHA1.HashData(_key.PubKey.Key.Span),
            .. _antiReplay.ReadOnlySpan, 0, 0, 0, 0, 26, .. select, localities, .. release, 0, 0, 0, 0,
        ];
        Verify(expected, response.CertifyInfo, response.OutData);
    }

    [Fact]
    public void CertifyKey_ParentBoundToPcrs_IsTold()
    {
        byte[] release = Witness.Sha1([0, 2, 1, 0, 0, 0, 0, 20], new byte[20]);
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { PcrInfo = (byte[])[0, 2, 1, 0, .. release, .. new byte[20]] });
        _key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), KeyAuth, parent: parent);
        Assert.True(CertifyKey(Identity(), _tpm.LoadKey2(_key, parent)).CertifyInfo.Info.ParentPcrStatus);
    }

    [Fact]
    public void CertifyKeyAndCertifyKey2_Action1_DerScheme_InappropriateSig()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms.SigScheme = TpmSigScheme.RsaSsaPkcs1V15Der;
        (uint cert, uint key) = (Cert(info), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)));
        Assert.Equal(TpmResult.InappropriateSig, ResultOf(cert, key));
        Assert.Equal(TpmResult.InappropriateSig, ResultOf2(cert, key));
    }

    [Fact]
    public void CertifyKey_InfoScheme_SignsLikeSha1()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms.SigScheme = TpmSigScheme.RsaSsaPkcs1V15Info;
        CertifyKeyResponse response = CertifyKey(Cert(info), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)));
        Verify(WireFormat.ToBytes(response.CertifyInfo), response.CertifyInfo, response.OutData);
    }

    [Fact]
    public void CertifyKey_Action2a_WrongAuths_TellWhichOne()
    {
        var request = new CertifyKeyRequest { CertHandle = Identity(), KeyHandle = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)) };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CertifyKey(), request, _tpm.Oiap(KeyAuth), _tpm.Oiap(KeyAuth)));
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new CertifyKey(), request, _tpm.Oiap(CertAuth), _tpm.Oiap(CertAuth)));
    }

    [Fact]
    public void CertifyKey_Action2b_OneSession_IsThatOfTheKey()
    {
        uint never = Cert(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = TpmAuthDataUsage.Never });
        uint always = Identity();
        uint key = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new CertifyKey(), new CertifyKeyRequest { CertHandle = never, KeyHandle = key }, _tpm.Oiap(KeyAuth)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CertifyKey(), new CertifyKeyRequest { CertHandle = never, KeyHandle = key }, _tpm.Oiap(CertAuth)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CertifyKey(), new CertifyKeyRequest { CertHandle = always, KeyHandle = key }, _tpm.Oiap(KeyAuth)));
    }

    [Theory]
    [InlineData(TpmAuthDataUsage.Never, TpmAuthDataUsage.Never, TpmResult.Success)]
    [InlineData(TpmAuthDataUsage.Never, TpmAuthDataUsage.PrivUseOnly, TpmResult.Success)]
    [InlineData(TpmAuthDataUsage.PrivUseOnly, TpmAuthDataUsage.Never, TpmResult.AuthFail)]
    [InlineData(TpmAuthDataUsage.Never, TpmAuthDataUsage.Always, TpmResult.AuthFail)]
    public void CertifyKeyAndCertifyKey2_Action2c_NoSession_DependsOnBothKeys(TpmAuthDataUsage ofCert, TpmAuthDataUsage ofKey, TpmResult expected)
    {
        uint cert = Cert(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = ofCert });
        uint key = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = ofKey });
        Assert.Equal(expected, _tpm.ResultOf(new CertifyKey(), new CertifyKeyRequest { CertHandle = cert, KeyHandle = key }));
        Assert.Equal(expected, _tpm.ResultOf(new CertifyKey2(), new CertifyKey2Request { CertHandle = cert, KeyHandle = key }));
    }

    [Fact]
    public void CertifyKey_Action3_MigrationKey_InvalidKeyUsage()
    {
        uint cmk = Cmk(SHA1.HashData("msa"u8), TpmPayloadType.MigrateRestricted);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Identity(), cmk));
    }

    [Fact]
    public void CertifyKey_Action4_IdentityAndMigratableKey_MigrateFail()
    {
        uint key = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable));
        Assert.Equal(TpmResult.MigrateFail, ResultOf(Identity(), key));
        Assert.Equal(TpmResult.Success, ResultOf(Cert(TestTpm.KeyInfo(TpmKeyUsage.Signing)), key));
    }

    [Fact]
    public void CertifyKey_Action1_CertThatHasNoScheme_InappropriateSig() =>
        Assert.Equal(TpmResult.InappropriateSig, ResultOf(Cert(TestTpm.KeyInfo(TpmKeyUsage.Bind)), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing))));

    [Fact]
    public void CertifyKey_Action5_CertForNoSignatures_InvalidKeyUsage()
    {
        (uint cert, uint key) = (NoSigner(), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(cert, key));
    }

    [Fact]
    public void CertifyKey2_Action4_CertForNoSignatures_InvalidKeyUsage()
    {
        (uint cert, uint key) = (NoSigner(), Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf2(cert, key));
    }

    [Fact]
    public void CertifyKey2_Action5_MigrationDestination_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf2(Cert(TestTpm.KeyInfo(TpmKeyUsage.Legacy)), Key(TestTpm.KeyInfo(TpmKeyUsage.Migrate))));

    [Fact]
    public void CertifyKey_Action6_MigrationDestination_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Cert(TestTpm.KeyInfo(TpmKeyUsage.Legacy)), Key(TestTpm.KeyInfo(TpmKeyUsage.Migrate))));

    [Theory]
    [InlineData(TpmKeyFlags.None, TpmResult.WrongPcrVal)]
    [InlineData(TpmKeyFlags.PcrIgnoredOnRead, TpmResult.Success)]
    public void CertifyKey_Action9a_OtherRegisters_DependsOnPcrIgnoredOnRead(TpmKeyFlags flags, TpmResult expected) =>
        Assert.Equal(expected, ResultOf(Identity(), Elsewhere(flags)));

    [Theory]
    [InlineData(TpmKeyFlags.None, TpmResult.WrongPcrVal)]
    [InlineData(TpmKeyFlags.PcrIgnoredOnRead, TpmResult.Success)]
    public void CertifyKey2_Action13c_OtherRegisters_DependsOnPcrIgnoredOnRead(TpmKeyFlags flags, TpmResult expected) =>
        Assert.Equal(expected, ResultOf2(Identity(), Elsewhere(flags)));

    [Fact]
    public void CertifyKey_Action9a_OtherLocality_BadLocality() => Assert.Equal(TpmResult.BadLocality, ResultOf(Identity(), AtLocality4()));

    [Fact]
    public void CertifyKey2_Action13c_OtherLocality_BadLocality() => Assert.Equal(TpmResult.BadLocality, ResultOf2(Identity(), AtLocality4()));

    [Fact]
    public void CertifyKey2_Actions6To10And12And14And15_KeyWithoutPcrs_IsACertifyInfo2()
    {
        CertifyKey2Response response = CertifyKey2(Key(TestTpm.KeyInfo(TpmKeyUsage.Legacy)), Identity());
        byte[] expected =
        [
            0, 0x29, 0, 1, 0, 0x15, 0, 0, 0, 0, 1, .. WireFormat.ToBytes(_key.AlgorithmParms), .. SHA1.HashData(_key.PubKey.Key.Span),
            .. _antiReplay.ReadOnlySpan, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        Verify(expected, response.CertifyInfo, response.OutData);
    }

    [Fact]
    public void CertifyKey2_Actions13aAnd13b_PcrsOfVersion11_AreInTheShortForm()
    {
        byte[] release = Witness.Sha1([0, 3, 1, 0, 0, 0, 0, 0, 20], new byte[20]);
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing) with { PcrInfo = (byte[])[0, 3, 1, 0, 0, .. release, .. new byte[20]] };
        Assert.Equal([0, 3, 1, 0, 0, 0x1F, .. release], CertifyKey2(Key(info), Identity()).CertifyInfo.PcrInfo.ToArray());
    }

    [Fact]
    public void CertifyKey2_Action2a_Sessions_KeyComesFirst()
    {
        var request = new CertifyKey2Request { CertHandle = Identity(), KeyHandle = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing)) };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(CertAuth), _tpm.Oiap(CertAuth)));
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(KeyAuth), _tpm.Oiap(KeyAuth)));
    }

    [Fact]
    public void CertifyKey2_Action2b_OneSession_IsThatOfTheCertifier()
    {
        uint key = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = TpmAuthDataUsage.PrivUseOnly });
        var request = new CertifyKey2Request { CertHandle = Identity(), KeyHandle = key };
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(CertAuth)));
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(KeyAuth)));
    }

    [Fact]
    public void CertifyKey2_Action3_IdentityAndMigratableKey_MigrateFail()
    {
        var request = new CertifyKey2Request { CertHandle = Identity(), KeyHandle = Key(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable)) };
        Assert.Equal(TpmResult.MigrateFail, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(KeyAuth), _tpm.Oiap(CertAuth)));
    }

    [Theory]
    [InlineData(TpmPayloadType.MigrateRestricted)]
    [InlineData(TpmPayloadType.MigrateExternal)]
    public void CertifyKey2_Actions11aAnd11cTo11e_MigrationKey_CertifiesItsAuthorities(TpmPayloadType payload)
    {
        byte[] msa = SHA1.HashData("msa"u8);
        var request = new CertifyKey2Request
        {
            KeyHandle = Cmk(msa, payload), CertHandle = Identity(), AntiReplay = _antiReplay, MigrationPubDigest = new TpmDigest(msa),
        };
        CertifyKey2Response response = _tpm.Send(new CertifyKey2(), request, _tpm.Oiap(KeyAuth), _tpm.Oiap(CertAuth));
        Assert.Equal(payload, response.CertifyInfo.PayloadType);
        Assert.Equal(Witness.Sha1(msa, [(byte)payload]), response.CertifyInfo.MigrationAuthority.ToArray());
        Verify(WireFormat.ToBytes(response.CertifyInfo), response.CertifyInfo, response.OutData);
    }

    [Fact]
    public void CertifyKey2_Action11b_OtherAuthorities_MASource()
    {
        var request = new CertifyKey2Request { KeyHandle = Cmk(SHA1.HashData("msa"u8), TpmPayloadType.MigrateRestricted), CertHandle = Identity() };
        Assert.Equal(TpmResult.MASource, _tpm.ResultOf(new CertifyKey2(), request, _tpm.Oiap(KeyAuth), _tpm.Oiap(CertAuth)));
    }

    /// <summary>No key can be made that has a scheme but is for no signatures: the key is altered in its slot.</summary>
    private uint NoSigner()
    {
        uint cert = Cert(TestTpm.KeyInfo(TpmKeyUsage.Signing));
        _tpm.AlterKey(cert, (ref TpmKey altered) => altered.KeyUsage = TpmKeyUsage.Bind);
        return cert;
    }

    private uint Elsewhere(TpmKeyFlags flags) =>
        Key(TestTpm.KeyInfo(TpmKeyUsage.Signing, flags) with { PcrInfo = (byte[])[0, 2, 1, 0, .. KeyAuth, .. new byte[20]] });

    private uint AtLocality4()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, ver: TpmKey.Tag12);
        info.PcrInfo = (byte[])[0, 6, 1, 0x10, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, .. new byte[40]];
        return Key(info);
    }

    private uint Identity()
    {
        _cert = _tpm.MakeIdentity(identityAuth: CertAuth).IdKey;
        return _tpm.LoadKey2(_cert);
    }

    private uint Cert(TpmKey info)
    {
        _cert = _tpm.CreateWrapKey(info, CertAuth);
        return _tpm.LoadKey2(_cert);
    }

    private uint Key(TpmKey info)
    {
        _key = _tpm.CreateWrapKey(info, KeyAuth);
        return _tpm.LoadKey2(_key);
    }

    /// <summary>A certified migration key: its migrationAuth is the TPM's HMAC of a TPM_CMK_MIGAUTH.</summary>
    private uint Cmk(byte[] msaDigest, TpmPayloadType payload)
    {
        _key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable | TpmKeyFlags.MigrateAuthority, 1024);
        TpmRsaKeyPair pair = new FixedRsa().Generate(1024);
        _key.PubKey = new TpmStorePubKey { Key = pair.Modulus };
        byte[] migAuth = [0, 0x33, .. msaDigest, .. SHA1.HashData(WireFormat.ToBytes(_key.ToPubKey()))];
        byte[] migrationAuth = HMACSHA1.HashData(_tpm.State.Permanent.Data.TpmProof.Span, migAuth);
        TpmKey srk = _tpm.State.Permanent.Data.Srk!.Key;
        _key = Witness.Wrap(srk.PubKey.Key, _key, KeyAuth, migrationAuth, pair.Prime.Span.ToArray(), (byte)payload);
        return _tpm.LoadKey2(_key);
    }

    private CertifyKeyResponse CertifyKey(uint cert, uint key) => _tpm.Send(
        new CertifyKey(), new CertifyKeyRequest { CertHandle = cert, KeyHandle = key, AntiReplay = _antiReplay }, _tpm.Oiap(CertAuth), _tpm.Oiap(KeyAuth));

    private CertifyKey2Response CertifyKey2(uint key, uint cert) => _tpm.Send(
        new CertifyKey2(), new CertifyKey2Request { CertHandle = cert, KeyHandle = key, AntiReplay = _antiReplay }, _tpm.Oiap(KeyAuth), _tpm.Oiap(CertAuth));

    private TpmResult ResultOf(uint cert, uint key) => _tpm.ResultOf(
        new CertifyKey(), new CertifyKeyRequest { CertHandle = cert, KeyHandle = key }, _tpm.Oiap(CertAuth), _tpm.Oiap(KeyAuth));

    private TpmResult ResultOf2(uint cert, uint key) => _tpm.ResultOf(
        new CertifyKey2(), new CertifyKey2Request { CertHandle = cert, KeyHandle = key }, _tpm.Oiap(KeyAuth), _tpm.Oiap(CertAuth));

    private void Verify<T>(byte[] expected, T certifyInfo, ReadOnlyMemory<byte> signature)
        where T : struct, IWireStructure<T>
    {
        Assert.Equal(expected, WireFormat.ToBytes(certifyInfo));
        Witness.VerifySignature(_cert.PubKey.Key, SHA1.HashData(expected), signature);
    }
}
