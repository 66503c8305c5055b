using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class MigrateKeyTests
{
    private static readonly byte[] Hidden = [.. Enumerable.Range(0, 198).Select(i => (byte)i)];

    private readonly MigrationSource _source = new();
    private readonly TestTpm _tpm;
    private readonly uint _ma;

    public MigrateKeyTests()
    {
        _tpm = _source.Tpm;
        _ma = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Migrate), MigrationSource.UsageAuth);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(198)]
    public void MigrateKey_Action4_Blob_IsEncryptedForTheNextOne(int length)
    {
        ReadOnlyMemory<byte> outData = _tpm.Send(new MigrateKey(), Request(Hidden[..length]), Authority()).OutData;
        Assert.Equal(Hidden[..length], Witness.DecryptOaep(_source.Destination.PubKey.Key, outData));
    }

    [Fact]
    public void MigrateKey_Action1_WrongAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new MigrateKey(), Request(Hidden), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void MigrateKey_Action1_NoSession_DependsOnTheKey()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new MigrateKey(), Request(Hidden)));
        uint open = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Migrate) with { AuthDataUsage = TpmAuthDataUsage.Never });
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new MigrateKey(), Request(Hidden, open)));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Storage)]
    [InlineData(TpmKeyUsage.Bind)]
    public void MigrateKey_Action2_KeyOfNoAuthority_InvalidKeyUsage(TpmKeyUsage usage)
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(usage), MigrationSource.UsageAuth);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(Request(Hidden, key)));
    }

    [Fact]
    public void MigrateKey_Action3_WeakerKey_BadKeyProperty()
    {
        TpmPubKey weak = MigrationSource.PubKey(new FixedRsa().Generate(1024).Modulus);
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(Request(Hidden[..20]) with { PubKey = weak }));
    }

    [Fact]
    public void MigrateKey_Action3_KeyForAnotherScheme_InappropriateEnc()
    {
        TpmPubKey key = MigrationSource.PubKey(_source.Destination.PubKey.Key, TpmEncScheme.RsaesPkcsV15);
        Assert.Equal(TpmResult.InappropriateEnc, ResultOf(Request(Hidden) with { PubKey = key }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(256)]
    public void MigrateKey_Action4_BlobThatIsNotForTheAuthority_DecryptError(int length) =>
        Assert.Equal(TpmResult.DecryptError, ResultOf(Request(Hidden) with { InData = new byte[length] }));

    private MigrateKeyRequest Request(byte[] hidden, uint? ma = null) => new()
    {
        MaKeyHandle = ma ?? _ma,
        PubKey = _source.Destination,
        InData = Witness.EncryptOaep(_tpm.PubKeyOf(ma ?? _ma).PubKey.Key, hidden),
    };

    private TpmResult ResultOf(MigrateKeyRequest request) => _tpm.ResultOf(new MigrateKey(), request, Authority());

    private TestAuth Authority() => _tpm.Oiap(MigrationSource.UsageAuth);
}
