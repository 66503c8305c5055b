using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class ConvertMigrationBlobTests
{
    private static readonly byte[] PubDataDigest = [.. Enumerable.Repeat((byte)0xD5, 20)];
    private static readonly byte[] StorePrivKey = [0, 0, 0, 128, .. Enumerable.Range(0, 128).Select(i => (byte)i)];

    /// <summary>TPM_MIGRATE_ASYMKEY of a key that is 128 numbered bytes.</summary>
    private static readonly byte[] Message = MessageOf(TpmPayloadType.Migrate, StorePrivKey[20..]);

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _srk;

    public ConvertMigrationBlobTests() => _srk = _tpm.TakeOwnership();

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    public void ConvertMigrationBlob_BlobOfAnotherTpm_IsAKeyOfThisOne(int keyLength)
    {
        TestTpm source = new TestTpm(seed: 2).SkipKeys(4);
        source.TakeOwnership();
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, TpmKeyFlags.Migratable, keyLength);
        TpmKey key = source.CreateWrapKey(info, MigrationSource.UsageAuth, MigrationSource.MigrationAuth);
        var create = new CreateMigrationBlobRequest
        {
            ParentHandle = TpmKeyHandle.Srk,
            MigrationType = TpmMigrateScheme.Migrate,
            MigrationKeyAuth = source.AuthorizeMigrationKey(_tpm.PubKeyOf(TpmKeyHandle.Srk), TpmMigrateScheme.Migrate),
            EncData = key.EncData,
        };
        MigrationBlobResponse blob = source.Send(
            new CreateMigrationBlob(), create, source.Oiap(TestTpm.WellKnown), source.Oiap(MigrationSource.MigrationAuth));

        var convert = new ConvertMigrationBlobRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob.OutData, Random = blob.Random };
        ReadOnlyMemory<byte> encData = _tpm.Send(new ConvertMigrationBlob(), convert, Parent()).OutData;

        uint handle = _tpm.LoadKey2(key with { EncData = encData });
        var sign = new SignRequest { KeyHandle = handle, AreaToSign = PubDataDigest };
        Witness.VerifySignature(key.PubKey.Key, PubDataDigest, _tpm.Send(new Sign(), sign, _tpm.Oiap(MigrationSource.UsageAuth)).Sig);
        byte[] stored = Witness.DecryptOaep(source.KeyOf(TpmKeyHandle.Srk).Key.PubKey.Key, key.EncData);
        Assert.Equal(stored, Witness.DecryptOaep(_srk.PubKey.Key, encData));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    public void ConvertMigrationBlob_Actions7And8_BlobBySoftware_IsAStoreAsymKey(int padding)
    {
        byte[] expected = [1, .. MigrationSource.UsageAuth, .. MigrationSource.MigrationAuth, .. PubDataDigest, .. StorePrivKey];
        ReadOnlyMemory<byte> encData = _tpm.Send(new ConvertMigrationBlob(), Request(Encoded(Message, padding)), Parent()).OutData;
        Assert.Equal(expected, Witness.DecryptOaep(_srk.PubKey.Key, encData));
    }

    [Fact]
    public void ConvertMigrationBlob_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new ConvertMigrationBlob(), Request(Encoded(Message)), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void ConvertMigrationBlob_Action1_NoSession_DependsOnTheParent()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new ConvertMigrationBlob(), Request(Encoded(Message))));
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { AuthDataUsage = TpmAuthDataUsage.Never });
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new ConvertMigrationBlob(), Request(Encoded(Message), parent)));
    }

    [Fact]
    public void ConvertMigrationBlob_Action2_ParentThatDoesNotStore_InvalidKeyUsage() =>
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Request(Encoded(Message), _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind)))));

    [Fact]
    public void ConvertMigrationBlob_Action3_BlobOfAnotherParent_DecryptError()
    {
        uint other = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage));
        Assert.Equal(TpmResult.DecryptError, ResultOf(Request(Encoded(Message), other) with { ParentHandle = TpmKeyHandle.Srk }));
        Assert.Equal(TpmResult.DecryptError, ResultOf(Request(Encoded(Message)) with { InData = default }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(197)]
    [InlineData(199)]
    public void ConvertMigrationBlob_Action4_OtherCountOfRandomBytes_BadParameter(int count) =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(Request(Encoded(Message)) with { Random = new byte[count] }));

    [Fact]
    public void ConvertMigrationBlob_Action5_OtherRandomBytes_DecryptError()
    {
        ConvertMigrationBlobRequest request = Request(Encoded(Message));
        for (int i = 0; i < request.Random.Length; i += 11)
        {
            byte[] random = request.Random.ToArray();
            random[i] ^= 1;
            Assert.Equal(TpmResult.DecryptError, ResultOf(request with { Random = random }));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0000000000000000000000000000000000000000")]
    [InlineData("00000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000000000000000000001")]
    public void ConvertMigrationBlob_Action5_NoEncodingAtAll_DecryptError(string encoded) =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(Request(Convert.FromHexString(encoded))));

    [Fact]
    public void ConvertMigrationBlob_Action5_WrongEncoding_DecryptError()
    {
        byte[] seed = StorePrivKey[..20];
        // After the digest: nothing, zeroes alone, another byte than 1, nothing behind it, a byte too few, and one too many.
        foreach (byte[] padded in (byte[][])[[], new byte[30], [2, .. Message], [1], [1, .. Message[..^1]], [1, .. Message, 0]])
        {
            byte[] db = [.. MigrationSource.MigrationAuth, .. padded];
            byte[] maskedDb = Witness.Xor(db, Witness.Mgf1(seed, db.Length));
            Assert.Equal(TpmResult.DecryptError, ResultOf(Request([.. Witness.Xor(seed, Witness.Mgf1(maskedDb, 20)), .. maskedDb])));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(127)]
    [InlineData(129)]
    public void ConvertMigrationBlob_Action6_LengthThatIsNotThatOfTheParts_DecryptError(byte length)
    {
        byte[] seed = [0, 0, 0, length, .. StorePrivKey[4..20]];
        Assert.Equal(TpmResult.DecryptError, ResultOf(Request(Witness.EncodeMigration(seed, MigrationSource.MigrationAuth, Message))));
    }

    [Theory]
    [InlineData(TpmPayloadType.Asym)]
    [InlineData(TpmPayloadType.Maint)]
    [InlineData(TpmPayloadType.CmkMigrate)]
    public void ConvertMigrationBlob_Action7a_OtherPayload_BadMigration(TpmPayloadType payload) =>
        Assert.Equal(TpmResult.BadMigration, ResultOf(Request(Encoded(MessageOf(payload, StorePrivKey[20..])))));

    private static byte[] MessageOf(TpmPayloadType payload, byte[] partPrivKey) =>
        [(byte)payload, .. MigrationSource.UsageAuth, .. PubDataDigest, 0, 0, 0, (byte)partPrivKey.Length, .. partPrivKey];

    private static byte[] Encoded(byte[] message, int padding = 0) =>
        Witness.EncodeMigration(StorePrivKey[..20], MigrationSource.MigrationAuth, message, padding);

    private ConvertMigrationBlobRequest Request(byte[] encoded, uint parent = TpmKeyHandle.Srk)
    {
        byte[] random = [.. Enumerable.Range(0, encoded.Length).Select(i => (byte)(7 * i + 1))];
        return new ConvertMigrationBlobRequest
        {
            ParentHandle = parent,
            InData = Witness.EncryptOaep(_tpm.PubKeyOf(parent).PubKey.Key, Witness.Xor(encoded, random)),
            Random = random,
        };
    }

    private TpmResult ResultOf(ConvertMigrationBlobRequest request) => _tpm.ResultOf(new ConvertMigrationBlob(), request, Parent());

    private TestAuth Parent() => _tpm.Oiap(TestTpm.WellKnown);
}
