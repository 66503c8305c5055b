using System.Security.Cryptography;
using Vtpm.Engine.Commands.Identity;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Identity;

public class MakeIdentityTests
{
    private static readonly byte[] Auth = SHA1.HashData("identity"u8);
    private static readonly TpmDigest Label = new(SHA1.HashData("label"u8));

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public MakeIdentityTests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKey.Version11)]
    [InlineData(TpmKey.Tag12)]
    public void MakeIdentity_Actions8aTo8bAnd10To15_Identity_HoldsItsSecretAndTpmProof(uint ver)
    {
        TpmKey key = _tpm.MakeIdentity(TestTpm.KeyInfo(TpmKeyUsage.Identity, ver: ver), Auth).IdKey;
        Assert.Equal(ver, key.Ver);
        byte[] prime = FixedRsa.PrimeOf(key.PubKey.Key);
        byte[] publicPart = WireFormat.ToBytes(key)[..^(4 + key.EncData.Length)];
        byte[] expected =
        [
            (byte)TpmPayloadType.Asym, .. Auth, .. _tpm.State.Permanent.Data.TpmProof.Span, .. SHA1.HashData(publicPart), 0, 0, 0, 128, .. prime,
        ];
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, key.EncData));
        Assert.True(_tpm.LoadKey2(key) != 0);
    }

    [Fact]
    public void MakeIdentity_Actions16And17_IdentityBinding_IsItsSignatureOfTheContents()
    {
        MakeIdentityResponse response = _tpm.MakeIdentity(label: Label);
        byte[] contents = [1, 1, 0, 0, 0, 0, 0, 0x79, .. Label.ReadOnlySpan, .. WireFormat.ToBytes(response.IdKey.ToPubKey())];
        Witness.VerifySignature(response.IdKey.PubKey.Key, SHA1.HashData(contents), response.IdentityBinding);
    }

    [Fact]
    public void MakeIdentity_Action9_Key12WithPcrs_IsStampedWithTheLocality()
    {
        _tpm.Locality = 1;
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Identity, ver: TpmKey.Tag12);
        info.PcrInfo = (byte[])[0, 6, 0, 0x1F, 0, 3, 0, 0, 0, 0, 3, 1, 0, 0, .. new byte[40]];
        Assert.Equal(
            [0, 6, 0x02, 0x1F, 0, 3, 0, 0, 0, 0, 3, 1, 0, 0, .. new byte[40]], _tpm.MakeIdentity(info).IdKey.PcrInfo.ToArray());
    }

    [Fact]
    public void MakeIdentity_Action7_BothSessions_End()
    {
        TestAuth srk = _tpm.Oiap(TestTpm.WellKnown, goesOn: true);
        TestAuth owner = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: true);
        _tpm.Send(new MakeIdentity(), new MakeIdentityRequest { IdKeyParams = TestTpm.KeyInfo(TpmKeyUsage.Identity) }, srk, owner);
        Assert.False(srk.GoesOn);
        Assert.False(owner.GoesOn);
    }

    [Theory]
    [InlineData(1024, "")]
    [InlineData(4096, "")]
    [InlineData(2048, "010001")]
    public void MakeIdentity_Actions1aAnd1c_OtherStrength_BadKeyProperty(int keyLength, string exponent)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Identity);
        info.AlgorithmParms = TestTpm.RsaParms(keyLength, sig: TpmSigScheme.RsaSsaPkcs1V15Sha1, exponent: Convert.FromHexString(exponent));
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info));
    }

    [Fact]
    public void MakeIdentity_Action1d_FipsAndNoAuth_NotFips()
    {
        _tpm.SetPermanentFlags(flags => flags with { Fips = true });
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Identity) with { AuthDataUsage = TpmAuthDataUsage.Never }));
        Assert.Equal(TpmResult.Success, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Identity)));
    }

    [Fact]
    public void MakeIdentity_Action2_WrongOwnerAuth_Auth2Fail() =>
        Assert.Equal(TpmResult.Auth2Fail, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Identity), owner: Auth));

    [Fact]
    public void MakeIdentity_Action3_WrongSrkAuth_AuthFail() => Assert.Equal(TpmResult.AuthFail, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Identity), srk: Auth));

    [Fact]
    public void MakeIdentity_Action3_OneSessionButSrkNeedsOne_AuthFail()
    {
        TestAuth owner = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        var request = new MakeIdentityRequest { IdKeyParams = TestTpm.KeyInfo(TpmKeyUsage.Identity) };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new MakeIdentity(), request, owner));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing, TpmKeyFlags.None)]
    [InlineData(TpmKeyUsage.Identity, TpmKeyFlags.Migratable)]
    [InlineData(TpmKeyUsage.Identity, TpmKeyFlags.MigrateAuthority)]
    public void MakeIdentity_Actions4And5_NoIdentityOrMigratable_InvalidKeyUsage(TpmKeyUsage usage, TpmKeyFlags flags) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.KeyInfo(usage, flags)));

    [Theory]
    [InlineData(TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    [InlineData(TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Info)]
    public void MakeIdentity_OtherSchemes_BadKeyProperty(TpmEncScheme enc, TpmSigScheme sig)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Identity);
        info.AlgorithmParms = TestTpm.RsaParms(2048, enc, sig);
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info));
    }

    [Fact]
    public void MakeIdentity_Action6_OwnerByOiap_BadMode()
    {
        var request = new MakeIdentityRequest { IdKeyParams = TestTpm.KeyInfo(TpmKeyUsage.Identity) };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new MakeIdentity(), request, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(TestTpm.OwnerAuth)));
    }

    private TpmResult ResultOf(TpmKey info, byte[]? srk = null, byte[]? owner = null) => _tpm.ResultOf(
        new MakeIdentity(),
        new MakeIdentityRequest { IdKeyParams = info },
        _tpm.Oiap(srk ?? TestTpm.WellKnown),
        _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, owner ?? TestTpm.OwnerAuth));
}
