using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class CmkConvertMigrationTests
{
    private readonly CmkSource _cmk = new();

    /// <summary>The TPM that the key goes to.</summary>
    private readonly TestTpm _tpm = new TestTpm(seed: 2).SkipKeys(4);

    public CmkConvertMigrationTests() => _tpm.TakeOwnership();

    [Fact]
    public void CmkConvertMigration_Actions7And8And10And12And18To20_BlobOfAnotherTpm_IsACertifiedMigrationKeyOfThisOne()
    {
        CmkConvertMigrationRequest request = Request();
        ReadOnlyMemory<byte> encData = _tpm.Send(new CmkConvertMigration(), request, Parent()).OutData;

        byte[] stored = Witness.DecryptOaep(_cmk.Source.SrkModulus, _cmk.Key.EncData);
        byte[] migrationAuth = CmkSource.Hmac(_tpm, CmkSource.MigAuth(_cmk.Authorities, _cmk.Key.ToPubKey()));
        Assert.Equal([7, .. TestTpm.KeyAuth, .. migrationAuth, .. stored[41..]], Witness.DecryptOaep(Srk().PubKey.Key, encData));

        uint handle = _tpm.LoadKey2(_cmk.Key with { EncData = encData });
        byte[] digest = Witness.Sha1([1]);
        var sign = new SignRequest { KeyHandle = handle, AreaToSign = digest };
        ReadOnlyMemory<byte> signature = _tpm.Send(new Sign(), sign, _tpm.Oiap(TestTpm.KeyAuth)).Sig;
        Witness.VerifySignature(_cmk.Key.PubKey.Key, digest, signature);
    }

    [Fact]
    public void CmkConvertMigration_KeyThatHasMigrated_IsCertifiedAndMigratesOn()
    {
        TpmKey key = _cmk.Key with { EncData = _tpm.Send(new CmkConvertMigration(), Request(), Parent()).OutData };
        TpmKey identity = _tpm.MakeIdentity().IdKey;
        var certify = new CertifyKey2Request
        {
            KeyHandle = _tpm.LoadKey2(key), CertHandle = _tpm.LoadKey2(identity), MigrationPubDigest = CmkSource.MsaDigest(_cmk.Authorities),
        };
        CertifyKey2Response response = _tpm.Send(new CertifyKey2(), certify, _tpm.Oiap(TestTpm.KeyAuth), Parent());
        Assert.Equal(TpmPayloadType.MigrateExternal, response.CertifyInfo.PayloadType);
        Witness.VerifySignature(identity.PubKey.Key, MigrationSource.DigestOf(response.CertifyInfo), response.OutData);

        CmkCreateBlobRequest request = _cmk.ToAuthority() with
        {
            MigrationKeyAuth = _tpm.AuthorizeMigrationKey(_cmk.Source.Destination, TpmMigrateScheme.RestrictMigrate), EncData = key.EncData,
        };
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new CmkCreateBlob(), request, Parent()));
    }

    [Fact]
    public void CmkConvertMigration_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CmkConvertMigration(), Request(), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void CmkConvertMigration_Action2_ParentThatDoesNotStore_InvalidKeyUsage() => Assert.Equal(
        TpmResult.InvalidKeyUsage, ResultOf(Request() with { ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind)) }));

    [Fact]
    public void CmkConvertMigration_Action3_BlobOfAnotherParent_DecryptError() => Assert.Equal(
        TpmResult.DecryptError, ResultOf(Request() with { ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage)) }));

    [Fact]
    public void CmkConvertMigration_Actions4And5_OtherRandomBytes_Refused()
    {
        CmkConvertMigrationRequest request = Request();
        Assert.Equal(TpmResult.BadParameter, ResultOf(request with { Random = request.Random[1..] }));
        byte[] random = request.Random.ToArray();
        random[77] ^= 0x10;
        Assert.Equal(TpmResult.DecryptError, ResultOf(request with { Random = random }));
    }

    [Fact]
    public void CmkConvertMigration_Action6a_OtherAuthoritiesOrOtherKey_AuthFail()
    {
        CmkConvertMigrationRequest request = Request();
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MsaList = CmkSource.ListOf(CmkSource.KeyDigest(_cmk.Signer)) }));
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MsaList = CmkSource.ListOf() }));
        TpmKey other = request.MigratedKey;
        other.PubKey.Key = Srk().PubKey.Key;
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MigratedKey = other }));
    }

    [Fact]
    public void CmkConvertMigration_Action9_ParentThatMayMigrate_InvalidKeyUsage() => Assert.Equal(
        TpmResult.InvalidKeyUsage, ResultOf(Request(_tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable)))));

    [Theory]
    [InlineData(TpmPayloadType.Migrate)]
    [InlineData(TpmPayloadType.MigrateExternal)]
    public void CmkConvertMigration_Action10_OtherPayload_BadMigration(TpmPayloadType payload) =>
        Assert.Equal(TpmResult.BadMigration, ResultOf(BySoftware(_cmk.Key, payload: payload)));

    [Fact]
    public void CmkConvertMigration_Action11_TicketThatNoAuthorityHasSigned_MATicketSignature()
    {
        CmkConvertMigrationRequest request = Request();
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request with { SigTicket = default }));
        // That of another TPM is worth nothing here.
        TpmDigest foreign = _cmk.SigTicket(_cmk.Tpm, _cmk.RestrictTicket(Srk().ToPubKey()));
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request with { SigTicket = foreign }));
        request.RestrictTicket.MigrationAuthorityDigest = default;
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request));
    }

    [Fact]
    public void CmkConvertMigration_Action13_ApprovalOfAnotherParent_MADestination() =>
        Assert.Equal(TpmResult.MADestination, ResultOf(Approved(Request(), _cmk.RestrictTicket(_cmk.Source.Destination))));

    [Fact]
    public void CmkConvertMigration_Action14_PrivateHalfOfAnotherKey_BadKeyProperty()
    {
        byte[] other = FixedRsa.PrimeOf(Srk().PubKey.Key);
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(BySoftware(_cmk.Key, prime: other)));
        Assert.Equal(TpmResult.Success, ResultOf(BySoftware(_cmk.Key)));
    }

    [Fact]
    public void CmkConvertMigration_Action14_PublicPartChanged_DecryptError()
    {
        CmkConvertMigrationRequest request = Request();
        request.MigratedKey.AuthDataUsage = TpmAuthDataUsage.Never;
        Assert.Equal(TpmResult.DecryptError, ResultOf(request));
    }

    [Theory]
    [InlineData(TpmKeyFlags.Migratable)]
    [InlineData(TpmKeyFlags.MigrateAuthority)]
    public void CmkConvertMigration_Actions15And16_FlagsOfNoCertifiedMigrationKey_InvalidKeyUsage(TpmKeyFlags flags) =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(BySoftware(_cmk.Key with { KeyFlags = flags })));

    [Fact]
    public void CmkConvertMigration_Action17_ApprovalOfAnotherKey_MASource() =>
        Assert.Equal(TpmResult.MASource, ResultOf(Approved(Request(), _cmk.RestrictTicket(Srk().ToPubKey(), _cmk.Signer))));

    private TpmKey Srk() => _tpm.KeyOf(TpmKeyHandle.Srk).Key;

    /// <summary>A blob that the source has made for a parent of this TPM, with the signer's approval.</summary>
    private CmkConvertMigrationRequest Request(uint parent = TpmKeyHandle.Srk)
    {
        TpmPubKey destination = _tpm.PubKeyOf(parent);
        MigrationBlobResponse blob = _cmk.Tpm.Send(new CmkCreateBlob(), _cmk.ToApproved(destination), _cmk.Tpm.Oiap(TestTpm.WellKnown));
        var request = new CmkConvertMigrationRequest
        {
            ParentHandle = parent,
            MigratedKey = _cmk.Key with { EncData = blob.OutData },
            MsaList = _cmk.Authorities,
            Random = blob.Random,
        };
        return Approved(request, _cmk.RestrictTicket(destination));
    }

    /// <summary>A blob that software has made for the SRK, which no TPM would have.</summary>
    private CmkConvertMigrationRequest BySoftware(TpmKey key, byte[]? prime = null, TpmPayloadType payload = TpmPayloadType.CmkMigrate)
    {
        prime ??= FixedRsa.PrimeOf(key.PubKey.Key);
        byte[] publicPart = WireFormat.ToBytes(key)[..^(4 + key.EncData.Length)];
        byte[] message = [(byte)payload, .. TestTpm.KeyAuth, .. Witness.Sha1(publicPart), 0, 0, 0, 112, .. prime[16..]];
        byte[] pHash = Witness.Sha1(CmkSource.MsaDigest(_cmk.Authorities).ReadOnlySpan.ToArray(), MigrationSource.DigestOf(key.ToPubKey()));
        byte[] encoded = Witness.EncodeMigration([0, 0, 0, 128, .. prime[..16]], pHash, message);
        var request = new CmkConvertMigrationRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            MigratedKey = key with { EncData = Witness.EncryptOaep(Srk().PubKey.Key, encoded) },
            MsaList = _cmk.Authorities,
            Random = new byte[encoded.Length],
        };
        return Approved(request, _cmk.RestrictTicket(Srk().ToPubKey()));
    }

    private CmkConvertMigrationRequest Approved(CmkConvertMigrationRequest request, byte[] restrictTicket)
    {
        Assert.Equal(TpmResult.Success, WireFormat.Read(restrictTicket, out request.RestrictTicket));
        return request with { SigTicket = _cmk.SigTicket(_tpm, restrictTicket) };
    }

    private TpmResult ResultOf(CmkConvertMigrationRequest request) => _tpm.ResultOf(new CmkConvertMigration(), request, Parent());

    private TestAuth Parent() => _tpm.Oiap(TestTpm.WellKnown);
}
