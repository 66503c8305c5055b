using System.Buffers.Binary;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class CmkCreateBlobTests
{
    private readonly CmkSource _cmk = new();
    private readonly TestTpm _tpm;

    public CmkCreateBlobTests() => _tpm = _cmk.Tpm;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void CmkCreateBlob_Actions11To17_Key_IsHiddenAndBoundToItsAuthorities(bool isApproved)
    {
        CmkCreateBlobRequest request = isApproved ? _cmk.ToApproved(_cmk.Source.Destination) : _cmk.ToAuthority();
        MigrationBlobResponse blob = _tpm.Send(new CmkCreateBlob(), request, Parent());

        Assert.Equal(198, blob.Random.Length);
        byte[] hidden = Witness.DecryptOaep(_cmk.Source.Destination.PubKey.Key, blob.OutData);
        (byte[] seed, byte[] pHash, byte[] padded) = Witness.DecodeMigration(Witness.Xor(hidden, blob.Random.Span));
        byte[] prime = FixedRsa.PrimeOf(_cmk.Key.PubKey.Key);
        Assert.Equal([0, 0, 0, 128, .. prime[..16]], seed);
        Assert.Equal(
            Witness.Sha1(CmkSource.MsaDigest(_cmk.Authorities).ReadOnlySpan.ToArray(), MigrationSource.DigestOf(_cmk.Key.ToPubKey())), pHash);
        byte[] stored = Witness.DecryptOaep(_cmk.Source.SrkModulus, _cmk.Key.EncData);
        Assert.Equal([1, 8, .. TestTpm.KeyAuth, .. stored[41..61], 0, 0, 0, 112, .. prime[16..]], padded);
    }

    [Fact]
    public void CmkCreateBlob_Action1_WrongParentAuth_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CmkCreateBlob(), _cmk.ToAuthority(), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void CmkCreateBlob_Action2a_MigrationType_IsIgnored() =>
        Assert.Equal(TpmResult.Success, ResultOf(_cmk.ToAuthority() with { MigrationType = TpmMigrateScheme.RestrictApprove }));

    [Fact]
    public void CmkCreateBlob_Action3_ParentThatMayMigrateOrDoesNotStore_InvalidKeyUsage()
    {
        CmkCreateBlobRequest request = _cmk.ToAuthority();
        foreach (TpmKey info in (TpmKey[])[TestTpm.KeyInfo(TpmKeyUsage.Storage, TpmKeyFlags.Migratable), TestTpm.KeyInfo(TpmKeyUsage.Bind)])
            Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(request with { ParentHandle = _tpm.NewKey(info) }));
    }

    [Fact]
    public void CmkCreateBlob_Action4_KeyOfAnotherParent_DecryptError() => Assert.Equal(
        TpmResult.DecryptError, ResultOf(_cmk.ToAuthority() with { ParentHandle = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage)) }));

    [Fact]
    public void CmkCreateBlob_Action5_DestinationThatTheOwnerHasNotAuthorized_AuthFail()
    {
        CmkCreateBlobRequest request = _cmk.ToAuthority();
        request.MigrationKeyAuth.MigrationScheme = TpmMigrateScheme.RestrictApprove;
        Assert.Equal(TpmResult.AuthFail, ResultOf(request));
        request = _cmk.ToAuthority();
        request.MigrationKeyAuth.MigrationKey = _tpm.PubKeyOf(TpmKeyHandle.Srk);
        Assert.Equal(TpmResult.AuthFail, ResultOf(request));
    }

    [Theory]
    [InlineData(TpmPayloadType.Asym, TpmResult.InvalidStructure)]
    [InlineData(TpmPayloadType.CmkMigrate, TpmResult.InvalidStructure)]
    [InlineData(TpmPayloadType.MigrateExternal, TpmResult.Success)]
    public void CmkCreateBlob_Action6_Payload_IsOfACertifiedMigrationKey(TpmPayloadType payload, TpmResult expected)
    {
        byte[] migrationAuth = CmkSource.Hmac(_tpm, CmkSource.MigAuth(_cmk.Authorities, _cmk.Key.ToPubKey()));
        byte[] prime = FixedRsa.PrimeOf(_cmk.Key.PubKey.Key);
        TpmKey key = Witness.Wrap(_cmk.Source.SrkModulus, _cmk.Key, TestTpm.KeyAuth, migrationAuth, prime, (byte)payload);
        Assert.Equal(expected, ResultOf(_cmk.ToAuthority() with { EncData = key.EncData }));
    }

    [Fact]
    public void CmkCreateBlob_Action7_OtherAuthoritiesOrOtherKey_MAAuthority()
    {
        CmkCreateBlobRequest request = _cmk.ToAuthority();
        TpmMsaComposite fewer = CmkSource.ListOf(CmkSource.KeyDigest(_cmk.Source.Destination));
        Assert.Equal(TpmResult.MAAuthority, ResultOf(request with { MsaList = fewer }));
        Assert.Equal(TpmResult.MAAuthority, ResultOf(request with { MsaList = CmkSource.ListOf() }));
        Assert.Equal(TpmResult.MAAuthority, ResultOf(request with { PubSourceKeyDigest = TpmDigest.AllOnes }));
    }

    [Fact]
    public void CmkCreateBlob_Action8a_DestinationThatIsNoAuthority_MATicketSignature() =>
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(_cmk.ToAuthority(_tpm.PubKeyOf(TpmKeyHandle.Srk))));

    [Fact]
    public void CmkCreateBlob_Action8b_AuthorityThatSigns_InvalidKeyUsage()
    {
        TpmPubKey both = _cmk.Source.Destination;
        both.AlgorithmParms.SigScheme = TpmSigScheme.RsaSsaPkcs1V15Sha1;
        TpmMsaComposite authorities = CmkSource.ListOf(CmkSource.KeyDigest(both));
        TpmKey key = _tpm.CmkCreateKey(TpmKeyUsage.Signing, CmkSource.MsaDigest(authorities));
        CmkCreateBlobRequest request = _cmk.ToAuthority(both) with
        {
            MsaList = authorities, PubSourceKeyDigest = CmkSource.KeyDigest(key.ToPubKey()), EncData = key.EncData,
        };
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOf(request));
    }

    [Fact]
    public void CmkCreateBlob_Actions8cAnd8d_TicketsForAnAuthority_BadParameter()
    {
        CmkCreateBlobRequest request = _cmk.ToAuthority();
        Assert.Equal(TpmResult.BadParameter, ResultOf(request with { RestrictTicket = new byte[60] }));
        Assert.Equal(TpmResult.BadParameter, ResultOf(request with { SigTicket = new byte[20] }));
    }

    [Fact]
    public void CmkCreateBlob_Action9a1_TicketThatNoAuthorityHasSigned_MATicketSignature()
    {
        CmkCreateBlobRequest request = _cmk.ToApproved(_cmk.Source.Destination);
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request with { SigTicket = new byte[20] }));
        byte[] changed = request.RestrictTicket.ToArray();
        changed[0] ^= 1;
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request with { RestrictTicket = changed }));
        var rsa = new FixedRsa();
        rsa.Generate(1024);
        TpmPubKey stranger = MigrationSource.PubKey(rsa.Generate(1024).Modulus, TpmEncScheme.None, TpmSigScheme.RsaSsaPkcs1V15Sha1);
        byte[] digest = Witness.Sha1(request.RestrictTicket.ToArray());
        TpmDigest ticket = _tpm.CreateTicket(stranger, new TpmDigest(digest), Witness.Sign(stranger.PubKey.Key, digest));
        Assert.Equal(TpmResult.MATicketSignature, ResultOf(request with { SigTicket = ticket.ReadOnlySpan.ToArray() }));
    }

    [Fact]
    public void CmkCreateBlob_Action9a1_TicketsOfOtherSizes_BadParamSize()
    {
        CmkCreateBlobRequest request = _cmk.ToApproved(_cmk.Source.Destination);
        Assert.Equal(TpmResult.BadParamSize, ResultOf(request with { SigTicket = default }));
        Assert.Equal(TpmResult.BadParamSize, ResultOf(request with { SigTicket = new byte[21] }));
        byte[] longer = [.. request.RestrictTicket.Span, 0];
        request = request with { RestrictTicket = longer, SigTicket = _cmk.SigTicket(_tpm, longer).ReadOnlySpan.ToArray() };
        Assert.Equal(TpmResult.BadParamSize, ResultOf(request));
    }

    [Fact]
    public void CmkCreateBlob_Action9a2_ApprovalOfAnotherDestination_MADestination()
    {
        CmkCreateBlobRequest request = _cmk.ToApproved(_cmk.Source.Destination);
        TpmMigrationKeyAuth other = _tpm.AuthorizeMigrationKey(_tpm.PubKeyOf(TpmKeyHandle.Srk), TpmMigrateScheme.RestrictApprove);
        Assert.Equal(TpmResult.MADestination, ResultOf(request with { MigrationKeyAuth = other }));
    }

    [Fact]
    public void CmkCreateBlob_Action9a3_ApprovalOfAnotherKey_MASource()
    {
        byte[] restrictTicket = _cmk.RestrictTicket(_cmk.Source.Destination, _tpm.PubKeyOf(TpmKeyHandle.Srk));
        CmkCreateBlobRequest request = _cmk.ToApproved(_cmk.Source.Destination) with
        {
            RestrictTicket = restrictTicket, SigTicket = _cmk.SigTicket(_tpm, restrictTicket).ReadOnlySpan.ToArray(),
        };
        Assert.Equal(TpmResult.MASource, ResultOf(request));
    }

    [Theory]
    [InlineData(TpmMigrateScheme.Migrate)]
    [InlineData(TpmMigrateScheme.Rewrap)]
    [InlineData(TpmMigrateScheme.None)]
    public void CmkCreateBlob_Action10_SchemeOfOtherKeys_BadParameter(TpmMigrateScheme scheme) =>
        Assert.Equal(TpmResult.BadParameter, ResultOf(_cmk.Request(_cmk.Source.Destination, scheme)));

    [Theory]
    [InlineData(63)]
    [InlineData(65)]
    [InlineData(0)]
    [InlineData(-1)]
    public void CmkCreateBlob_MsaListSizeThatIsWrong_BadParamSize(int size)
    {
        byte[] request = TestTpm.Request(new CmkCreateBlob(), _cmk.ToAuthority(), Parent());
        int at = request.AsSpan().IndexOf((byte[])[0, 0, 0, 64, 0, 0, 0, 3]);
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(at), size);
        Assert.Equal(TpmResult.BadParamSize, TestTpm.ResultOf(_tpm.Execute(request)));
    }

    private TpmResult ResultOf(CmkCreateBlobRequest request) => _tpm.ResultOf(new CmkCreateBlob(), request, Parent());

    private TestAuth Parent() => _tpm.Oiap(TestTpm.WellKnown);
}
