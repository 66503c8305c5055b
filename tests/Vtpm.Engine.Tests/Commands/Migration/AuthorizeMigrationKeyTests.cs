using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class AuthorizeMigrationKeyTests
{
    private readonly MigrationSource _source = new();
    private readonly TestTpm _tpm;

    public AuthorizeMigrationKeyTests() => _tpm = _source.Tpm;

    [Theory]
    [InlineData(TpmMigrateScheme.Migrate)]
    [InlineData(TpmMigrateScheme.Rewrap)]
    [InlineData(TpmMigrateScheme.RestrictApprove)]
    public void AuthorizeMigrationKey_Actions3And5To10_Ticket_IsADigestWithTpmProof(TpmMigrateScheme scheme)
    {
        TpmMigrationKeyAuth ticket = _tpm.AuthorizeMigrationKey(_source.Destination, scheme);
        Assert.Equal(WireFormat.ToBytes(_source.Destination), WireFormat.ToBytes(ticket.MigrationKey));
        Assert.Equal(scheme, ticket.MigrationScheme);
        byte[] expected = Witness.Sha1(WireFormat.ToBytes(_source.Destination), [0, (byte)scheme], _source.TpmProof);
        Assert.Equal(expected, ticket.Digest.ReadOnlySpan);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(254)]
    [InlineData(514)]
    public void AuthorizeMigrationKey_Action1_OtherLength_BadKeyProperty(int bytes) =>
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(MigrationSource.PubKey(Modulus(bytes))));

    [Theory]
    [InlineData(256)]
    [InlineData(384)]
    [InlineData(512)]
    public void AuthorizeMigrationKey_Action1_LongEnough_IsAuthorized(int bytes) =>
        Assert.Equal(TpmResult.Success, ResultOf(MigrationSource.PubKey(Modulus(bytes))));

    [Fact]
    public void AuthorizeMigrationKey_Action1_ModulusShorterThanItSays_BadKeyProperty()
    {
        TpmPubKey key = _source.Destination;
        foreach (byte[] modulus in (byte[][])[[], Modulus(128), [0x7F, .. Modulus(255)], Modulus(257)])
            Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key with { PubKey = new TpmStorePubKey { Key = modulus } }));
    }

    [Theory]
    [InlineData("010001", TpmResult.Success)]
    [InlineData("00010001", TpmResult.Success)]
    [InlineData("03", TpmResult.BadKeyProperty)]
    [InlineData("00", TpmResult.BadKeyProperty)]
    [InlineData("0101010101", TpmResult.BadKeyProperty)]
    public void AuthorizeMigrationKey_Action1_Exponent_IsTheDefaultOne(string exponent, TpmResult expected) =>
        Assert.Equal(expected, ResultOf(MigrationSource.PubKey(_source.Destination.PubKey.Key, exponent: Convert.FromHexString(exponent))));

    [Fact]
    public void AuthorizeMigrationKey_Action1_OtherAlgorithm_BadKeyProperty()
    {
        TpmPubKey key = _source.Destination;
        key.AlgorithmParms.AlgorithmId = TpmAlgorithmId.Aes128;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOf(key));
    }

    [Fact]
    public void AuthorizeMigrationKey_Action2_NotTheOwner_AuthFail()
    {
        var request = new AuthorizeMigrationKeyRequest { MigrationScheme = TpmMigrateScheme.Migrate, MigrationKey = _source.Destination };
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new AuthorizeMigrationKey(), request, _tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Theory]
    [InlineData(TpmEncScheme.None)]
    [InlineData(TpmEncScheme.RsaesPkcsV15)]
    public void AuthorizeMigrationKey_Action4_OtherScheme_InappropriateEnc(TpmEncScheme scheme) =>
        Assert.Equal(TpmResult.InappropriateEnc, ResultOf(MigrationSource.PubKey(_source.Destination.PubKey.Key, scheme)));

    private static byte[] Modulus(int bytes) => [0x80, .. new byte[bytes - 2], 1];

    private TpmResult ResultOf(TpmPubKey key)
    {
        var request = new AuthorizeMigrationKeyRequest { MigrationScheme = TpmMigrateScheme.Migrate, MigrationKey = key };
        return _tpm.ResultOf(new AuthorizeMigrationKey(), request, _tpm.Oiap(TestTpm.OwnerAuth));
    }
}
