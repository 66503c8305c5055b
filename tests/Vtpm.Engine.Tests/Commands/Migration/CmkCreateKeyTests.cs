using System.Security.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class CmkCreateKeyTests
{
    private static readonly TpmDigest MsaDigest = new(SHA1.HashData("msa"u8));

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public CmkCreateKeyTests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(TpmKeyUsage.Signing, 1024)]
    [InlineData(TpmKeyUsage.Storage, 2048)]
    [InlineData(TpmKeyUsage.Migrate, 2048)]
    [InlineData(TpmKeyUsage.Bind, 512)]
    [InlineData(TpmKeyUsage.Legacy, 2048)]
    public void CmkCreateKey_Actions13To14And16To17eAnd19To20_Key_IsBoundToItsAuthoritiesAndLoads(TpmKeyUsage usage, int keyLength)
    {
        TpmKey key = _tpm.CmkCreateKey(usage, MsaDigest, keyLength);
        byte[] prime = FixedRsa.PrimeOf(key.PubKey.Key);
        byte[] m2 = [0, 0x33, .. MsaDigest.ReadOnlySpan, .. MigrationSource.DigestOf(key.ToPubKey())];
        byte[] publicPart = WireFormat.ToBytes(key)[..^(4 + key.EncData.Length)];
        byte[] expected =
        [
            6, .. TestTpm.KeyAuth, .. CmkSource.Hmac(_tpm, m2), .. SHA1.HashData(publicPart), 0, 0, 0, (byte)prime.Length, .. prime,
        ];
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, key.EncData));
        Assert.Equal(TpmPayloadType.MigrateRestricted, _tpm.KeyOf(_tpm.LoadKey2(key)).Payload);
    }

    [Fact]
    public void CmkCreateKey_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing), parentAuth: TestTpm.KeyAuth));

    [Fact]
    public void CmkCreateKey_Action2_OiapSession_BadMode()
    {
        var request = new CmkCreateKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = TestTpm.CmkInfo(TpmKeyUsage.Signing) };
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new CmkCreateKey(), request, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Theory]
    [InlineData(496)]
    [InlineData(4096)]
    public void CmkCreateKey_Action3_LengthThatIsNotMade_BadKeyProperty(int keyLength) =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing, keyLength)));

    [Fact]
    public void CmkCreateKey_Action4_ParentThatDoesNotStore_InvalidKeyUsage() => Assert.Equal(
        TpmResult.InvalidKeyUsage, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind))));

    [Fact]
    public void CmkCreateKey_Action5_ParentThatMayMigrate_InvalidKeyUsage()
    {
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing), parent));
    }

    [Theory]
    [InlineData(TpmKeyFlags.None)]
    [InlineData(TpmKeyFlags.MigrateAuthority)]
    [InlineData(TpmKeyFlags.Migratable)]
    public void CmkCreateKey_Actions6And7_OneOfTheFlagsMissing_InvalidKeyUsage(TpmKeyFlags flags) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing) with { KeyFlags = flags }));

    [Fact]
    public void CmkCreateKey_Action8_AuthoritiesThatTheOwnerHasNotApproved_MAAuthority()
    {
        TpmKey info = TestTpm.CmkInfo(TpmKeyUsage.Signing);
        Assert.Equal(TpmResult.MAAuthority, ResultOf(info, approval: default(TpmDigest)));
        Assert.Equal(TpmResult.MAAuthority, ResultOf(info, approval: _tpm.ApproveMA(TpmDigest.AllOnes)));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Identity)]
    [InlineData(TpmKeyUsage.AuthChange)]
    public void CmkCreateKey_Action9a_UsageOfOtherCommands_InvalidKeyUsage(TpmKeyUsage usage) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(TestTpm.CmkInfo(usage)));

    [Fact]
    public void CmkCreateKey_Actions10aTo10c_Fips_NotFips()
    {
        _tpm.SetPermanentFlags(flags => flags with { Fips = true });
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing, 512)));
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing) with { AuthDataUsage = TpmAuthDataUsage.Never }));
        Assert.Equal(TpmResult.NotFips, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Legacy)));
        Assert.Equal(TpmResult.Success, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing, 1024)));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Storage)]
    [InlineData(TpmKeyUsage.Migrate)]
    public void CmkCreateKey_Actions11aTo11e_StorageKeyOfOtherParameters_BadKeyProperty(TpmKeyUsage usage)
    {
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(TestTpm.CmkInfo(usage, 1024)));
        TpmKey info = TestTpm.CmkInfo(usage);
        foreach (TpmKeyParms parms in (TpmKeyParms[])
            [
                info.AlgorithmParms with { AlgorithmId = TpmAlgorithmId.Aes128 },
                info.AlgorithmParms with { EncScheme = TpmEncScheme.RsaesPkcsV15 },
                info.AlgorithmParms with { SigScheme = TpmSigScheme.RsaSsaPkcs1V15Sha1 },
                TestTpm.RsaParms(enc: TpmEncScheme.RsaesOaepSha1Mgf1, exponent: [1, 0, 1]),
            ])
            Assert.Equal(TpmResult.BadKeyProperty, ResultOf(info with { AlgorithmParms = parms }));
    }

    [Fact]
    public void CmkCreateKey_Action12_KeyOfVersion11_InvalidStructure() =>
        Assert.Equal(TpmResult.InvalidStructure, ResultOf(TestTpm.CmkInfo(TpmKeyUsage.Signing) with { Ver = TpmKey.Version11 }));

    [Fact]
    public void CmkCreateKey_Action15_SessionToGoOn_Ends()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown, goesOn: true);
        var request = new CmkCreateKeyRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            KeyInfo = TestTpm.CmkInfo(TpmKeyUsage.Signing),
            MigrationAuthorityApproval = _tpm.ApproveMA(MsaDigest),
            MigrationAuthorityDigest = MsaDigest,
        };
        _tpm.Send(new CmkCreateKey(), request, osap);
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void CmkCreateKey_Actions18aTo18d_PcrInfo_IsStampedWithNow()
    {
        _tpm.Locality = 2;
        TpmKey info = TestTpm.CmkInfo(TpmKeyUsage.Signing);
        info.PcrInfo = (byte[])[0, 6, 0, 0x1F, 0, 3, 0, 0, 1, 0, 3, 0, 0, 2, .. new byte[40]];
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        TpmKey key = _tpm.Send(new CmkCreateKey(), Request(info, TpmKeyHandle.Srk, _tpm.ApproveMA(MsaDigest)), osap).WrappedKey;
        byte[] creation = Witness.Sha1([0, 3, 0, 0, 1, 0, 0, 0, 20], new byte[20]);
        Assert.Equal([0, 6, 0x04, 0x1F, 0, 3, 0, 0, 1, 0, 3, 0, 0, 2, .. creation, .. new byte[20]], key.PcrInfo.ToArray());
    }

    private static CmkCreateKeyRequest Request(TpmKey info, uint parent, TpmDigest approval) =>
        new() { ParentHandle = parent, KeyInfo = info, MigrationAuthorityApproval = approval, MigrationAuthorityDigest = MsaDigest };

    private TpmResult ResultOf(TpmKey info, uint parent = TpmKeyHandle.Srk, byte[]? parentAuth = null, TpmDigest? approval = null)
    {
        TpmDigest ticket = approval ?? _tpm.ApproveMA(MsaDigest);
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, parent, parentAuth ?? TestTpm.WellKnown);
        return _tpm.ResultOf(new CmkCreateKey(), Request(info, parent, ticket), osap);
    }
}
