using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class CreateMigrationBlobTests
{
    private readonly MigrationSource _source = new();
    private readonly TestTpm _tpm;

    public CreateMigrationBlobTests() => _tpm = _source.Tpm;

    [Theory]
    [InlineData(2048, 198)]
    [InlineData(1024, 134)]
    [InlineData(512, 102)]
    public void CreateMigrationBlob_Action6_Migrate_IsHiddenByRandomBytesAndBoundToMigrationAuth(int keyLength, int size)
    {
        TpmKey key = _source.NewKey(keyLength: keyLength);
        MigrationBlobResponse blob = _tpm.Send(new CreateMigrationBlob(), _source.BlobRequest(key.EncData), Parent(), Entity());

        Assert.Equal(size, blob.Random.Length);
        byte[] hidden = Witness.DecryptOaep(_source.Destination.PubKey.Key, blob.OutData);
        (byte[] seed, byte[] pHash, byte[] padded) = Witness.DecodeMigration(Witness.Xor(hidden, blob.Random.Span));
        byte[] prime = FixedRsa.PrimeOf(key.PubKey.Key);
        byte[] storePrivKey = [0, 0, 0, (byte)prime.Length, .. prime];
        Assert.Equal(storePrivKey[..20], seed);
        Assert.Equal(MigrationSource.MigrationAuth, pHash);
        byte[] stored = Witness.DecryptOaep(_source.SrkModulus, key.EncData);
        byte[] expected = [1, 3, .. MigrationSource.UsageAuth, .. stored[41..61], 0, 0, 0, (byte)(storePrivKey.Length - 20), .. storePrivKey[20..]];
        Assert.Equal(expected, padded);
    }

    [Fact]
    public void CreateMigrationBlob_Action6d_Twice_OtherRandomBytes()
    {
        TpmKey key = _source.NewKey();
        MigrationBlobResponse first = _tpm.Send(new CreateMigrationBlob(), _source.BlobRequest(key.EncData), Parent(), Entity());
        MigrationBlobResponse second = _tpm.Send(new CreateMigrationBlob(), _source.BlobRequest(key.EncData), Parent(), Entity());
        Assert.NotEqual(first.Random.ToArray(), second.Random.ToArray());
    }

    [Fact]
    public void CreateMigrationBlob_Action7_Rewrap_IsTheKeyForItsNewParent()
    {
        TpmKey key = _source.NewKey();
        CreateMigrationBlobRequest request = _source.BlobRequest(key.EncData, TpmMigrateScheme.Rewrap);
        MigrationBlobResponse blob = _tpm.Send(new CreateMigrationBlob(), request, Parent(), Entity());
        Assert.True(blob.Random.IsEmpty);
        byte[] stored = Witness.DecryptOaep(_source.SrkModulus, key.EncData);
        Assert.Equal(stored, Witness.DecryptOaep(_source.Destination.PubKey.Key, blob.OutData));
    }

    [Fact]
    public void CreateMigrationBlob_LongerDestination_IsEncryptedForIt()
    {
        byte[] modulus = new byte[512];
        (modulus[0], modulus[^1]) = (0x80, 1);
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        request.MigrationKeyAuth = _tpm.AuthorizeMigrationKey(MigrationSource.PubKey(modulus), TpmMigrateScheme.Migrate);
        Assert.Equal(512, _tpm.Send(new CreateMigrationBlob(), request, Parent(), Entity()).OutData.Length);
    }

    [Fact]
    public void CreateMigrationBlob_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf(_source.BlobRequest(_source.NewKey().EncData), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void CreateMigrationBlob_Action1_OneSession_IsThatOfTheKey()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CreateMigrationBlob(), request, Entity()));
        request.ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { AuthDataUsage = TpmAuthDataUsage.Never });
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable);
        TpmKey child = _tpm.CreateWrapKey(info, MigrationSource.UsageAuth, MigrationSource.MigrationAuth, request.ParentHandle);
        request.EncData = child.EncData;
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CreateMigrationBlob(), request, Parent()));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new CreateMigrationBlob(), request, Entity()));
    }

    [Fact]
    public void CreateMigrationBlob_Action2_ParentThatDoesNotStore_InvalidKeyUsage()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        request.ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind));
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(request));
    }

    [Fact]
    public void CreateMigrationBlob_Action3_KeyOfAnotherParent_DecryptError()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        request.ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage));
        Assert.Equal(TpmResult.DecryptError, ResultOf(request));
        Assert.Equal(TpmResult.DecryptError, ResultOf(_source.BlobRequest(Witness.EncryptOaep(_source.SrkModulus, [1, 2, 3]))));
    }

    [Theory]
    [InlineData(TpmPayloadType.MigrateRestricted)]
    [InlineData(TpmPayloadType.MigrateExternal)]
    [InlineData(TpmPayloadType.Bind)]
    public void CreateMigrationBlob_Action3a_OtherPayload_BadMigration(TpmPayloadType payload) =>
        Assert.Equal(TpmResult.BadMigration, ResultOf(_source.BlobRequest(BySoftware(new byte[128], payload))));

    [Fact]
    public void CreateMigrationBlob_Action4_WrongMigrationAuth_Auth2FailAndCounted()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        uint before = _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations;
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new CreateMigrationBlob(), request, Parent(), _tpm.Oiap(MigrationSource.UsageAuth)));
        Assert.Equal(before + 1, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void CreateMigrationBlob_Action4_FixedKey_NobodyKnowsItsMigrationAuth()
    {
        TpmKey key = _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), MigrationSource.UsageAuth, MigrationSource.MigrationAuth);
        Assert.Equal(TpmResult.Auth2Fail, ResultOf(_source.BlobRequest(key.EncData)));
    }

    [Fact]
    public void CreateMigrationBlob_Action4_OsapSession_BadMode()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        TestAuth osap = _tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, TestTpm.WellKnown);
        Assert.Equal(TpmResult.BadMode, _tpm.ResultOf(new CreateMigrationBlob(), request, Parent(), osap));
    }

    [Fact]
    public void CreateMigrationBlob_Action5_TicketThatIsNotTheOwners_AuthFail()
    {
        CreateMigrationBlobRequest request = _source.BlobRequest(_source.NewKey().EncData);
        TpmMigrationKeyAuth ticket = request.MigrationKeyAuth;
        TpmPubKey other = _tpm.PubKeyOf(TpmKeyHandle.Srk);
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MigrationKeyAuth = ticket with { MigrationKey = other } }));
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MigrationKeyAuth = ticket with { MigrationScheme = TpmMigrateScheme.Rewrap } }));
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MigrationKeyAuth = ticket with { Digest = TpmDigest.AllOnes } }));
        var elsewhere = new TestTpm(seed: 2);
        elsewhere.TakeOwnership();
        TpmMigrationKeyAuth foreign = elsewhere.AuthorizeMigrationKey(_source.Destination, TpmMigrateScheme.Migrate);
        Assert.Equal(TpmResult.AuthFail, ResultOf(request with { MigrationKeyAuth = foreign }));
        Assert.Equal(TpmResult.Success, ResultOf(request));
    }

    [Theory]
    [InlineData(TpmMigrateScheme.None)]
    [InlineData(TpmMigrateScheme.Maint)]
    [InlineData(TpmMigrateScheme.RestrictMigrate)]
    [InlineData(TpmMigrateScheme.RestrictApprove)]
    [InlineData((TpmMigrateScheme)0xFFFF)]
    public void CreateMigrationBlob_Action8_OtherType_BadParameter(TpmMigrateScheme scheme) =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(_source.BlobRequest(_source.NewKey().EncData, scheme)));

    /// <summary>Part 2 §4.10.</summary>
    [Theory]
    [InlineData(TpmMigrateScheme.Migrate, TpmMigrateScheme.Rewrap)]
    [InlineData(TpmMigrateScheme.Rewrap, TpmMigrateScheme.Migrate)]
    [InlineData(TpmMigrateScheme.RestrictMigrate, TpmMigrateScheme.Rewrap)]
    public void CreateMigrationBlob_TypeThatTheOwnerHasNotAuthorized_BadMode(TpmMigrateScheme authorized, TpmMigrateScheme type) =>
        Assert.Equal(TpmResult.BadMode, ResultOf(_source.BlobRequest(_source.NewKey().EncData, authorized) with { MigrationType = type }));

    [Theory]
    [InlineData(0, TpmResult.BadMigration)]
    [InlineData(15, TpmResult.BadMigration)]
    [InlineData(16, TpmResult.Success)]
    [InlineData(144, TpmResult.Success)]
    [InlineData(145, TpmResult.BadDataSize)]
    public void CreateMigrationBlob_PrivateHalfOfAnyLength_IsMigratedWhereItFits(int length, TpmResult expected) =>
        Assert.Equal(expected, ResultOf(_source.BlobRequest(BySoftware(new byte[length]))));

    private byte[] BySoftware(byte[] prime, TpmPayloadType payload = TpmPayloadType.Asym)
    {
        TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable);
        key = Witness.Wrap(_source.SrkModulus, key, MigrationSource.UsageAuth, MigrationSource.MigrationAuth, prime, (byte)payload);
        return key.EncData.ToArray();
    }

    private TpmResult ResultOf(CreateMigrationBlobRequest request, TestAuth? parent = null) =>
        _tpm.ResultOf(new CreateMigrationBlob(), request, parent ?? Parent(), Entity());

    private TestAuth Parent() => _tpm.Oiap(TestTpm.WellKnown);

    private TestAuth Entity() => _tpm.Oiap(MigrationSource.MigrationAuth);
}
