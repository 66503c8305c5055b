using System.Security.Cryptography;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Storage;

public class LoadKey2Tests
{
    private static readonly byte[] Auth = SHA1.HashData("usage"u8);

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public LoadKey2Tests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKeyUsage.Signing, 512)]
    [InlineData(TpmKeyUsage.Storage, 2048)]
    [InlineData(TpmKeyUsage.Migrate, 2048)]
    [InlineData(TpmKeyUsage.Bind, 1024)]
    [InlineData(TpmKeyUsage.Legacy, 2048)]
    public void LoadKey2_Actions7iAnd8And10And11_KeyOfThisTpm_IsInASlot(TpmKeyUsage usage, int keyLength)
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(usage, keyLength: keyLength), Auth);
        LoadedKey loaded = Loaded(_tpm.LoadKey2(key));
        Assert.Equal(usage, loaded.Usage);
        Assert.Equal(Auth, loaded.UsageAuth.Span.ToArray());
        Assert.Equal(key.PubKey.Key.ToArray(), loaded.Key.PubKey.Key.ToArray());
        Assert.False(loaded.ParentPcrStatus);
        Assert.False(loaded.Binding.UsesPcrs);
    }

    [Fact]
    public void LoadKey2_KeyUnderKey_IsLoaded()
    {
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage));
        Assert.NotEqual(parent, _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), parent: parent));
    }

    [Fact]
    public void LoadKey2_MigratableKeyMadeBySoftware_IsLoaded() => Assert.Equal(TpmResult.Success, ResultOf(BySoftware()));

    [Fact]
    public void LoadKey2_SoftwareKeyWithAnotherExponent_IsLoaded()
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024);
        key.AlgorithmParms = TestTpm.RsaParms(1024, sig: TpmSigScheme.RsaSsaPkcs1V15Sha1, exponent: [0, 0, 0, 17]);
        Assert.Equal(TpmResult.Success, ResultOf(BySoftware(key)));
    }

    [Fact]
    public void LoadKey2_ParentThatNeedsNoAuth_NeedsNoSession()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        info.AuthDataUsage = TpmAuthDataUsage.Never;
        uint parent = _tpm.NewKey(info);
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), parent: parent);
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new LoadKey2(), new LoadKey2Request { ParentHandle = parent, InKey = key }));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key }));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action1_WrongParentAuth_AuthFail()
    {
        var request = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing)) };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey2(), request, _tpm.Oiap(Auth)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new LoadKey(), request, _tpm.Oiap(Auth)));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action2_ParentThatDoesNotStore_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(BySoftware(), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind))));

    [Fact]
    public void LoadKeyAndLoadKey2_Action3_OtherAlgorithm_BadKeyProperty()
    {
        TpmKey key = BySoftware();
        key.AlgorithmParms.AlgorithmId = TpmAlgorithmId.Aes128;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action4_Key12_IsLoaded() =>
        Assert.Equal(TpmResult.Success, ResultOf(BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024, TpmKey.Tag12))));

    [Fact]
    public void LoadKeyAndLoadKey2_Action5_KeyOfAnotherParent_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(BySoftware(), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage))));

    [Theory]
    [InlineData(0)]
    [InlineData(128)]
    [InlineData(300)]
    public void LoadKeyAndLoadKey2_Action5_EncDataOfAnotherSize_DecryptError(int size) =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(BySoftware() with { EncData = new byte[size] }));

    [Fact]
    public void LoadKeyAndLoadKey2_Action5_EncDataThatIsNoKey_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(BySoftware() with { EncData = Witness.EncryptOaep(_srk.PubKey.Key, [1, 2, 3]) }));

    [Fact]
    public void LoadKeyAndLoadKey2_Action6_PublicPartChanged_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(BySoftware() with { AuthDataUsage = TpmAuthDataUsage.Never }));

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void LoadKey2_PayloadThatIsNoKey_DecryptError(byte payload) => Assert.Equal(TpmResult.DecryptError, ResultOf(BySoftware(payload: payload)));

    [Fact]
    public void LoadKeyAndLoadKey2_Action7a_PrimeThatDoesNotDivide_BadKeyProperty() =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(prime: [.. Enumerable.Repeat((byte)0xFF, 64)])));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void LoadKeyAndLoadKey2_Action7a_TrivialFactor_BadKeyProperty(byte prime) => Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(prime: [prime])));

    [Fact]
    public void LoadKeyAndLoadKey2_Action7a_ModulusAsPrime_BadKeyProperty()
    {
        TpmKey key = BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 512));
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(key, prime: key.PubKey.Key.ToArray())));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing, 512)]
    [InlineData(TpmKeyUsage.Storage, 2048)]
    public void LoadKey2_ModulusShorterThanTheParametersSay_BadKeyProperty(TpmKeyUsage usage, int keyLength)
    {
        TpmKey key = TestTpm.KeyInfo(usage, TpmKeyFlags.Migratable, keyLength);
        TpmRsaKeyPair pair = new FixedRsa().Generate(1024);
        key.PubKey = new TpmStorePubKey { Key = pair.Modulus };
        key = Witness.Wrap(_srk.PubKey.Key, key, Auth, Auth, pair.Prime.Span.ToArray());
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key));
    }

    [Fact]
    public void LoadKey2_NoModulus_BadKeyProperty()
    {
        TpmKey key = BySoftware();
        key.PubKey = default;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action7b_MigratableIdentity_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Identity, TpmKeyFlags.Migratable))));

    [Fact]
    public void LoadKeyAndLoadKey2_Action7c_AuthChangeKey_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(BySoftware(TestTpm.KeyInfo(TpmKeyUsage.AuthChange, TpmKeyFlags.Migratable))));

    [Theory]
    [InlineData(TpmKeyUsage.Signing)]
    [InlineData(TpmKeyUsage.Identity)]
    public void LoadKeyAndLoadKey2_Action7d_FixedKeyThatThisTpmHasNotMade_InvalidKeyUsage(TpmKeyUsage usage) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(BySoftware(TestTpm.KeyInfo(usage))));

    [Fact]
    public void LoadKeyAndLoadKey2_Action7d_KeyOfAnEarlierOwner_InvalidKeyUsage()
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: 1024);
        TpmRsaKeyPair pair = new FixedRsa().Generate(1024);
        key.PubKey = new TpmStorePubKey { Key = pair.Modulus };
        byte[] proof = _tpm.State.Permanent.Data.TpmProof.Span.ToArray();
        key = Witness.Wrap(_srk.PubKey.Key, key, Auth, proof, pair.Prime.Span.ToArray());
        Assert.Equal(TpmResult.Success, ResultOf(key));
        PermanentData data = _tpm.State.Permanent.Data with { TpmProof = new Secret(Auth) };
        _tpm.State = _tpm.State with { Permanent = _tpm.State.Permanent with { Data = data } };
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(key));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action7e_SchemesThatDoNotGoWithTheUsage_BadKeyProperty()
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024);
        key.AlgorithmParms.EncScheme = TpmEncScheme.RsaesOaepSha1Mgf1;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(key)));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action7f_FipsAndLegacyOrShortOrNoAuth_NotFips()
    {
        TpmKey legacy = BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Legacy, TpmKeyFlags.Migratable, 1024));
        TpmKey shortKey = BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 512));
        TpmKey noAuth = BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024) with { AuthDataUsage = TpmAuthDataUsage.Never });
        foreach (TpmKey key in (TpmKey[])[legacy, shortKey, noAuth]) Assert.Equal(TpmResult.Success, ResultOf(key));
        _tpm.SetPermanentFlags(flags => flags with { Fips = true });
        foreach (TpmKey key in (TpmKey[])[legacy, shortKey, noAuth]) Assert.Equal(TpmResult.NotFips, ResultOf(key));
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action7g_ShortStorageKey_BadKeyProperty() =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable, 1024))));

    [Fact]
    public void LoadKeyAndLoadKey2_Action7g_StorageKeyWithExponent_BadKeyProperty()
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable);
        key.AlgorithmParms = TestTpm.RsaParms(2048, TpmEncScheme.RsaesOaepSha1Mgf1, exponent: [1, 0, 1]);
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(key)));
    }

    [Theory]
    [InlineData(1024, "", TpmEncScheme.None)]
    [InlineData(2048, "010001", TpmEncScheme.None)]
    [InlineData(2048, "", TpmEncScheme.RsaesOaepSha1Mgf1)]
    public void LoadKeyAndLoadKey2_Action7h_OtherIdentity_BadKeyProperty(int keyLength, string exponent, TpmEncScheme enc)
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Identity);
        key.AlgorithmParms = TestTpm.RsaParms(keyLength, enc, TpmSigScheme.RsaSsaPkcs1V15Sha1, Convert.FromHexString(exponent));
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(key)));
    }

    [Theory]
    [InlineData("00")]
    [InlineData("0000")]
    [InlineData("0004010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    public void LoadKeyAndLoadKey2_Action7j_MalformedPcrInfo_InvalidPcrInfo(string pcrInfo)
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024);
        key.PcrInfo = Convert.FromHexString(pcrInfo);
        Assert.Equal(TpmResult.InvalidPcrInfo, ResultOf(BySoftware(key)));
    }

    [Fact]
    public void LoadKey2_Action7j_RegistersThatDoNotMatchYet_IsLoaded()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
        info.PcrInfo = (byte[])[0, 3, 1, 0, 0, .. Auth, .. new byte[20]];
        Assert.Equal(new TpmDigest(Auth), Loaded(_tpm.NewKey(info)).Binding.DigestAtRelease);
    }

    [Fact]
    public void LoadKeyAndLoadKey2_Action9_AllSlotsTaken_NoSpace()
    {
        TpmKey key = BySoftware();
        for (int i = 0; i < TpmProfile.Xen.KeySlots; i++) Assert.Equal(TpmResult.Success, ResultOf(key));
        Assert.Equal(TpmResult.NoSpace, ResultOf(key));
    }

    [Fact]
    public void LoadKey2_Actions11And12_ParentBoundToPcrs_GrandchildTells()
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Storage);
        info.PcrInfo = (byte[])[0, 3, 1, 0, 0, .. Witness.Sha1([0, 3, 1, 0, 0, 0, 0, 0, 20], new byte[20]), .. new byte[20]];
        uint parent = _tpm.NewKey(info);
        Assert.False(Loaded(parent).ParentPcrStatus);
        uint child = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage), parent: parent);
        Assert.True(Loaded(child).ParentPcrStatus);
        Assert.True(Loaded(_tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), parent: child)).ParentPcrStatus);
    }

    [Fact]
    public void LoadKey2_ResponseHmac_DoesNotCoverTheHandle() => Assert.Equal(1, new LoadKey2().Traits.OutHandles);

    private LoadedKey Loaded(uint handle) => _tpm.State.Keys.Find(handle)!;

    /// <summary>A key whose private half is known outside, wrapped for the SRK.</summary>
    private TpmKey BySoftware(TpmKey? template = null, byte[]? prime = null, byte payload = 1)
    {
        TpmKey key = template ?? TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, 1024);
        KeyParameters.ReadRsa(key.AlgorithmParms, out TpmRsaKeyParms parms);
        TpmRsaKeyPair pair = new FixedRsa().Generate((int)parms.KeyLength);
        key.PubKey = new TpmStorePubKey { Key = pair.Modulus };
        return Witness.Wrap(_srk.PubKey.Key, key, Auth, Auth, prime ?? pair.Prime.Span.ToArray(), payload);
    }

    /// <summary>What TPM_LoadKey2 answers, and TPM_LoadKey on the same state.</summary>
    private TpmResult ResultOf(TpmKey key, uint parent = TpmKeyHandle.Srk)
    {
        var request = new LoadKey2Request { ParentHandle = parent, InKey = key };
        TpmState before = _tpm.State;
        TpmResult ofLoadKey = _tpm.ResultOf(new LoadKey(), request, _tpm.Oiap(TestTpm.WellKnown));
        _tpm.State = before;
        TpmResult ofLoadKey2 = _tpm.ResultOf(new LoadKey2(), request, _tpm.Oiap(TestTpm.WellKnown));
        Assert.Equal(ofLoadKey, ofLoadKey2);
        return ofLoadKey2;
    }
}
