using System.Security.Cryptography;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class CreateWrapKeyTests
{
    private static readonly byte[] UsageAuth = SHA1.HashData("usage"u8);
    private static readonly byte[] MigrationAuth = SHA1.HashData("migration"u8);

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public CreateWrapKeyTests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKeyUsage.Signing, 512)]
    [InlineData(TpmKeyUsage.Signing, 2048)]
    [InlineData(TpmKeyUsage.Storage, 2048)]
    [InlineData(TpmKeyUsage.Migrate, 2048)]
    [InlineData(TpmKeyUsage.Bind, 1024)]
    [InlineData(TpmKeyUsage.Legacy, 512)]
    public void CreateWrapKey_Actions10To11And13To14bAnd16_Usage_WrapsPrimeAndSecretsForTheParent(TpmKeyUsage usage, int keyLength)
    {
        TpmKey info = TestTpm.KeyInfo(usage, TpmKeyFlags.Migratable, keyLength);
        TpmKey key = _tpm.CreateWrapKey(info, UsageAuth, MigrationAuth);
        Assert.Equal(keyLength / 8, key.PubKey.Key.Length);
        Assert.Equal(WireFormat.ToBytes(info.AlgorithmParms), WireFormat.ToBytes(key.AlgorithmParms));
        byte[] prime = FixedRsa.PrimeOf(key.PubKey.Key);
        byte[] expected =
        [
            (byte)TpmPayloadType.Asym, .. UsageAuth, .. MigrationAuth, .. PublicDigest(key), 0, 0, 0, (byte)prime.Length, .. prime,
        ];
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, key.EncData));
    }

    [Fact]
    public void CreateWrapKey_LengthWithoutFixedKey_IsGenerated()
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 768));
        Assert.Equal(96, key.PubKey.Key.Length);
        Assert.True(_tpm.LoadKey2(key) != 0);
    }

    [Fact]
    public void CreateWrapKey_ExponentSpelledOut_IsTheDefaultOne()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms = TestTpm.RsaParms(sig: TpmSigScheme.RsaSsaPkcs1V15Sha1, exponent: [1, 0, 1]);
        Assert.True(_tpm.LoadKey2(_tpm.CreateWrapKey(info)) != 0);
    }

    [Fact]
    public void CreateWrapKey_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing), auth: UsageAuth));

    [Fact]
    public void CreateWrapKey_Action2_OiapSession_BadMode()
    {
        var request = new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = TestTpm.KeyInfo(TpmKeyUsage.Signing) };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new CreateWrapKey(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Theory]
    [InlineData(496)]
    [InlineData(520)]
    [InlineData(4096)]
    [InlineData(0)]
    [InlineData(int.MaxValue)]
    [InlineData(-16)]
    public void CreateWrapKey_Action3_LengthThatIsNotMade_BadKeyProperty(int keyLength) =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: keyLength)));

    [Theory]
    [InlineData("03")]
    [InlineData("0101010101")]
    [InlineData("00")]
    public void CreateWrapKey_Action3_OtherExponent_BadKeyProperty(string exponent)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms = TestTpm.RsaParms(sig: TpmSigScheme.RsaSsaPkcs1V15Sha1, exponent: Convert.FromHexString(exponent));
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info));
    }

    [Theory]
    [InlineData(TpmAlgorithmId.Aes128)]
    [InlineData((TpmAlgorithmId)0xFFFFFFFF)]
    public void CreateWrapKey_Action3_OtherAlgorithm_BadKeyProperty(TpmAlgorithmId algorithm)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms.AlgorithmId = algorithm;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info));
    }

    [Fact]
    public void CreateWrapKey_Action3_ThreePrimes_BadKeyProperty()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.AlgorithmParms.Parms = Convert.FromHexString("000008000000000300000000");
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info));
    }

    [Fact]
    public void CreateWrapKey_Action4_ParentThatDoesNotStore_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind))));

    [Fact]
    public void CreateWrapKey_Action5_FixedKeyUnderMigratableParent_InvalidKeyUsage()
    {
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing), parent));
        Assert.Equal(TpmResult.Success, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable), parent));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Identity)]
    [InlineData(TpmKeyUsage.AuthChange)]
    public void CreateWrapKey_Action6a_UsageOfOtherCommands_InvalidKeyUsage(TpmKeyUsage usage) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.KeyInfo(usage)));

    [Fact]
    public void CreateWrapKey_Action6b_MigrateAuthority_InvalidKeyUsage() =>
        Assert.Equal(
            TpmResult.InvalidKeyUsage, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.MigrateAuthority | TpmKeyFlags.Migratable)));

    [Fact]
    public void CreateWrapKey_UndefinedUsage_BadKeyProperty() => Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.KeyInfo((TpmKeyUsage)0x0017)));

    [Fact]
    public void CreateWrapKey_UndefinedFlag_BadKeyProperty() =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, (TpmKeyFlags)0x20)));

    [Fact]
    public void CreateWrapKey_UndefinedAuthDataUsage_BadKeyProperty() =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = (TpmAuthDataUsage)2 }));

    [Fact]
    public void CreateWrapKey_Action7a_FipsAndShortKey_NotFips()
    {
        Fips();
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 512)));
        Assert.Equal(TpmResult.Success, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024)));
    }

    [Fact]
    public void CreateWrapKey_Action7b_FipsAndNoAuth_NotFips()
    {
        Fips();
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Signing) with { AuthDataUsage = TpmAuthDataUsage.Never }));
    }

    [Fact]
    public void CreateWrapKey_Action7c_FipsAndLegacy_NotFips()
    {
        Fips();
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Legacy)));
    }

    [Fact]
    public void CreateWrapKey_Action8_ShortStorageKey_BadKeyProperty() =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.KeyInfo(TpmKeyUsage.Storage, keyLength: 1024)));

    [Theory]
    [InlineData(TpmKeyUsage.Storage, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.None, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Storage, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.RsaSsaPkcs1V15Sha1, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Signing, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.RsaSsaPkcs1V15Sha1, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Signing, TpmEncScheme.None, TpmSigScheme.None, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Bind, TpmEncScheme.None, TpmSigScheme.None, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Bind, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.RsaSsaPkcs1V15Der, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Legacy, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.RsaSsaPkcs1V15Info, TpmResult.BadKeyProperty)]
    [InlineData(TpmKeyUsage.Legacy, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.RsaSsaPkcs1V15Der, TpmResult.Success)]
    [InlineData(TpmKeyUsage.Signing, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Info, TpmResult.Success)]
    [InlineData(TpmKeyUsage.Bind, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.None, TpmResult.Success)]
    public void CreateWrapKey_Action8_Schemes_AsTheirTableSays(TpmKeyUsage usage, TpmEncScheme enc, TpmSigScheme sig, TpmResult expected)
    {
        TpmKey info = TestTpm.KeyInfo(usage);
        (info.AlgorithmParms.EncScheme, info.AlgorithmParms.SigScheme) = (enc, sig);
        Assert.Equal(expected, ResultOf(info));
    }

    [Fact]
    public void CreateWrapKey_Action12_SessionToGoOn_Ends()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.Send(new CreateWrapKey(), new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = TestTpm.KeyInfo(TpmKeyUsage.Signing) }, osap);
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void CreateWrapKey_Action14c_FixedKey_MigrationAuthIsTpmProof()
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), UsageAuth, MigrationAuth);
        Assert.Equal(_tpm.State.Permanent.Data.TpmProof.Span.ToArray(), Witness.DecryptOaep(_srk.PubKey.Key, key.EncData)[21..41]);
    }

    [Fact]
    public void CreateWrapKey_Actions15aAnd15cTo15d_PcrInfo_DigestAtCreationIsOfNow()
    {
        _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 8 });
        byte[] release = SHA1.HashData("release"u8);
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.PcrInfo = (byte[])[0, 2, 0, 1, .. release, .. new byte[20]];
        TpmKey key = _tpm.CreateWrapKey(info);
        byte[] creation = Witness.Sha1([0, 2, 0, 1, 0, 0, 0, 20], SHA1.HashData(new byte[40]));
        Assert.Equal([0, 2, 0, 1, .. release, .. creation], key.PcrInfo.ToArray());
        Assert.Equal(PublicDigest(key), Witness.DecryptOaep(_srk.PubKey.Key, key.EncData)[41..61]);
    }

    [Fact]
    public void CreateWrapKey_Actions15bTo15e_Key12_IsStampedWithTheLocality()
    {
        _tpm.Locality = 3;
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, ver: TpmKey.Tag12);
        info.PcrInfo = (byte[])[0, 6, 0, 0x1F, 0, 3, 0, 0, 1, 0, 3, 0, 0, 2, .. new byte[40]];
        TpmKey key = _tpm.CreateWrapKey(info);
        Assert.True(key.IsKey12);
        byte[] creation = Witness.Sha1([0, 3, 0, 0, 1, 0, 0, 0, 20], new byte[20]);
        Assert.Equal([0, 6, 0x08, 0x1F, 0, 3, 0, 0, 1, 0, 3, 0, 0, 2, .. creation, .. new byte[20]], key.PcrInfo.ToArray());
    }

    [Theory]
    [InlineData(TpmKey.Version11)]
    [InlineData(TpmKey.Tag12)]
    public void CreateWrapKey_Actions9aAnd9b_PcrInfoOfTheOtherStructure_InvalidPcrInfo(uint ver)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, ver: ver);
        info.PcrInfo = ver == TpmKey.Tag12
            ? (byte[])[0, 2, 0, 1, .. new byte[40]]
            : (byte[])[0, 6, 1, 0x1F, 0, 3, 0, 0, 1, 0, 3, 0, 0, 2, .. new byte[40]];
        Assert.Equal(TpmResult.InvalidPcrInfo, ResultOf(info));
    }

    private static byte[] PublicDigest(TpmKey key) => SHA1.HashData(WireFormat.ToBytes(key).AsSpan()[..^(4 + key.EncData.Length)]);

    private void Fips() => _tpm.SetPermanentFlags(flags => flags with { Fips = true });

    private TpmResult ResultOf(TpmKey info, uint parent = TpmKeyHandle.Srk, byte[]? auth = null)
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, parent, auth ?? TestTpm.WellKnown);
        return _tpm.ResultOf(new CreateWrapKey(), new CreateWrapKeyRequest { ParentHandle = parent, KeyInfo = info }, osap);
    }
}
