using System.Security.Cryptography;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Endorsement;

public class EndorsementTests
{
    [Fact]
    public void CreateEndorsementKeyPair_Actions3To10_NoKeyYet_MakesOneWithFreshChecksum()
    {
        var tpm = new TestTpm();
        TpmNonce antiReplay = tpm.NewNonce();
        PubekResponse response = tpm.Send(
            new CreateEndorsementKeyPair(), new CreateEndorsementKeyPairRequest { AntiReplay = antiReplay, KeyInfo = TestTpm.StorageParms });
        Assert.Equal(
            SHA1.HashData((byte[])[.. WireFormat.ToBytes(response.PubEndorsementKey), .. antiReplay.ReadOnlySpan]),
            response.Checksum.ReadOnlySpan.ToArray());
        Assert.Equal(256, response.PubEndorsementKey.PubKey.Key.Length);
        Assert.Equal((true, false), (tpm.State.Permanent.Flags.CekpUsed, tpm.State.Permanent.Flags.EnableRevokeEK));
        Assert.NotNull(tpm.State.Permanent.Data.DaaSeed);
        Assert.NotNull(tpm.State.Permanent.Data.DaaProof);
        Assert.NotNull(tpm.State.Permanent.Data.DaaBlobKey);
    }

    [Fact]
    public void CreateEndorsementKeyPair_Action2c_OtherSchemes_AreIgnored()
    {
        var tpm = new TestTpm();
        TpmKeyParms parms = TestTpm.StorageParms with { EncScheme = TpmEncScheme.None, SigScheme = TpmSigScheme.RsaSsaPkcs1V15Der };
        TpmPubKey pubek = tpm.Send(new CreateEndorsementKeyPair(), new CreateEndorsementKeyPairRequest { KeyInfo = parms }).PubEndorsementKey;
        Assert.Equal((TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None), (pubek.AlgorithmParms.EncScheme, pubek.AlgorithmParms.SigScheme));
    }

    [Fact]
    public void CreateEndorsementKeyPairAndCreateRevocableEK_Action1_KeyThere_DisabledCmd()
    {
        var tpm = new TestTpm();
        tpm.CreateEndorsementKeyPair();
        Assert.Equal(
            TpmResult.DisabledCmd,
            tpm.ResultOf(new CreateEndorsementKeyPair(), new CreateEndorsementKeyPairRequest { KeyInfo = TestTpm.StorageParms }));
        Assert.Equal(TpmResult.DisabledCmd, tpm.ResultOf(new CreateRevocableEK(), new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms }));
    }

    [Theory]
    [InlineData("000004000000000200000000")]
    [InlineData("000008000000000300000000")]
    [InlineData("00000800000000020000000103")]
    [InlineData("0000")]
    public void CreateEndorsementKeyPair_Action2a_OtherKeyThanRsa2048_BadKeyProperty(string parms)
    {
        TpmKeyParms keyInfo = TestTpm.StorageParms with { Parms = Convert.FromHexString(parms) };
        Assert.Equal(
            TpmResult.BadKeyProperty,
            new TestTpm().ResultOf(new CreateEndorsementKeyPair(), new CreateEndorsementKeyPairRequest { KeyInfo = keyInfo }));
    }

    [Fact]
    public void ReadPubek_Action2_NoKeyYet_NoEndorsement() => Assert.Equal(TpmResult.NoEndorsement, new TestTpm().ResultOf(new ReadPubek(), default));

    [Fact]
    public void ReadPubek_Actions3And4_NoOwner_SameKeyAndFreshChecksum()
    {
        var tpm = new TestTpm();
        byte[] pubek = WireFormat.ToBytes(tpm.CreateEndorsementKeyPair());
        TpmNonce antiReplay = tpm.NewNonce();
        PubekResponse response = tpm.Send(new ReadPubek(), new ReadPubekRequest { AntiReplay = antiReplay });
        Assert.Equal(pubek, WireFormat.ToBytes(response.PubEndorsementKey));
        Assert.Equal(SHA1.HashData((byte[])[.. pubek, .. antiReplay.ReadOnlySpan]), response.Checksum.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void CreateRevocableEK_Action2_OtherKeyThanRsa2048_BadKeyProperty()
    {
        TpmKeyParms keyInfo = TestTpm.StorageParms with { Parms = Convert.FromHexString("000004000000000200000000") };
        Assert.Equal(TpmResult.BadKeyProperty, new TestTpm().ResultOf(new CreateRevocableEK(), new CreateRevocableEKRequest { KeyInfo = keyInfo }));
    }

    [Fact]
    public void CreateRevocableEK_Actions2And4_NoKeyYet_MakesOneWithFreshChecksum()
    {
        var tpm = new TestTpm();
        var request = new CreateRevocableEKRequest { AntiReplay = tpm.NewNonce(), KeyInfo = TestTpm.StorageParms };
        PubekResponse response = tpm.Send(new CreateRevocableEK(), request).Pubek;
        byte[] pubek = WireFormat.ToBytes(response.PubEndorsementKey);
        Assert.Equal(pubek, WireFormat.ToBytes(tpm.State.Permanent.Data.EndorsementKey!.Key.ToPubKey()));
        Assert.Equal(SHA1.HashData((byte[])[.. pubek, .. request.AntiReplay.ReadOnlySpan]), response.Checksum.ReadOnlySpan.ToArray());
        Assert.Equal((true, true), (tpm.State.Permanent.Flags.CekpUsed, tpm.State.Permanent.Flags.EnableRevokeEK));
    }

    [Fact]
    public void CreateRevocableEK_Action3b_ResetGiven_RevokeTrustTakesIt()
    {
        var tpm = new TestTpm();
        TpmNonce reset = tpm.NewNonce();
        CreateRevocableEKResponse response = Revocable(tpm, generate: false, reset);
        Assert.Equal(reset, response.OutputEKReset);
        tpm.AssertPresence();
        tpm.Send(new RevokeTrust(), new RevokeTrustRequest { EKReset = reset });
        Assert.Null(tpm.State.Permanent.Data.EndorsementKey);
    }

    [Fact]
    public void CreateRevocableEK_Action3a_ResetGenerated_IsAnother()
    {
        var tpm = new TestTpm();
        TpmNonce given = tpm.NewNonce();
        CreateRevocableEKResponse response = Revocable(tpm, generate: true, given);
        Assert.NotEqual(given, response.OutputEKReset);
        Assert.NotEqual(default, response.OutputEKReset);
        Assert.Equal(response.OutputEKReset.ReadOnlySpan, tpm.State.Permanent.Data.EKReset!.Span);
    }

    [Fact]
    public void RevokeTrust_Actions4To8_ClearsOwnerAndEndorsement()
    {
        var tpm = new TestTpm();
        TpmNonce reset = Revocable(tpm, generate: true).OutputEKReset;
        tpm.TakeOwnership();
        tpm.AssertPresence();
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { NvLocked = true } } };
        tpm.Send(new RevokeTrust(), new RevokeTrustRequest { EKReset = reset });
        PermanentState after = tpm.State.Permanent;
        Assert.Null(after.Data.OwnerAuth);
        Assert.Null(after.Data.Srk);
        Assert.Null(after.Data.EndorsementKey);
        Assert.Null(after.Data.DaaSeed);
        Assert.Null(after.Data.DaaProof);
        Assert.Null(after.Data.DaaBlobKey);
        Assert.False(after.Flags.NvLocked);
        Assert.True(after.Flags.Disable && after.Flags.Deactivated);
    }

    [Fact]
    public void RevokeTrust_Action1_KeyThatIsNotRevocable_PermanentEK()
    {
        var tpm = new TestTpm();
        tpm.CreateEndorsementKeyPair();
        tpm.AssertPresence();
        Assert.Equal(TpmResult.PermanentEK, tpm.ResultOf(new RevokeTrust(), default));
    }

    [Fact]
    public void RevokeTrust_Action2_OtherValue_AuthFailThatIsCounted()
    {
        var tpm = new TestTpm();
        Revocable(tpm, generate: true);
        tpm.AssertPresence();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new RevokeTrust(), default));
        Assert.Equal(1u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void RevokeTrust_Action3_WithoutPresence_BadPresence()
    {
        var tpm = new TestTpm();
        TpmNonce reset = Revocable(tpm, generate: true).OutputEKReset;
        Assert.Equal(TpmResult.BadPresence, tpm.ResultOf(new RevokeTrust(), new RevokeTrustRequest { EKReset = reset }));
        Assert.NotNull(tpm.State.Permanent.Data.EndorsementKey);
    }

    [Fact]
    public void OwnerReadInternalPub_Actions2And3_EitherHandle_AnswersThatKey()
    {
        var tpm = new TestTpm();
        byte[] srk = WireFormat.ToBytes(tpm.TakeOwnership().ToPubKey());
        byte[] ek = WireFormat.ToBytes(tpm.State.Permanent.Data.EndorsementKey!.Key.ToPubKey());
        Assert.Equal(srk, ReadInternal(tpm, TpmKeyHandle.Srk));
        Assert.Equal(ek, ReadInternal(tpm, TpmKeyHandle.EK));
    }

    [Fact]
    public void OwnerReadPubek_Action2_ByOwner_AnswersTheKey()
    {
        var tpm = new TestTpm();
        byte[] ek = WireFormat.ToBytes(tpm.CreateEndorsementKeyPair());
        tpm.TakeOwnership();
        Assert.Equal(ek, WireFormat.ToBytes(tpm.Send(new OwnerReadPubek(), default, tpm.Oiap(TestTpm.OwnerAuth)).PubEndorsementKey));
    }

    [Fact]
    public void OwnerReadInternalPub_Action4_OtherHandle_BadParameter()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        var request = new OwnerReadInternalPubRequest { KeyHandle = TpmKeyHandle.Owner };
        Assert.Equal(TpmResult.BadParameter, tpm.ResultOf(new OwnerReadInternalPub(), request, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void OwnerReadInternalPubAndOwnerReadPubek_Action1_WrongSecret_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        var request = new OwnerReadInternalPubRequest { KeyHandle = TpmKeyHandle.Srk };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new OwnerReadInternalPub(), request, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new OwnerReadPubek(), default, tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void DisablePubekRead_WrongSecret_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DisablePubekRead(), default, tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void DisablePubekRead_Action1_ByOwner_ReadPubekIsDisabled()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { ReadPubek = true } } };
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new ReadPubek(), default));
        tpm.Send(new DisablePubekRead(), default, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.DisabledCmd, tpm.ResultOf(new ReadPubek(), default));
    }

    private static CreateRevocableEKResponse Revocable(TestTpm tpm, bool generate, TpmNonce reset = default) => tpm.Send(
        new CreateRevocableEK(),
        new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms, GenerateReset = generate, InputEKReset = reset });

    private static byte[] ReadInternal(TestTpm tpm, uint handle) => WireFormat.ToBytes(
        tpm.Send(new OwnerReadInternalPub(), new OwnerReadInternalPubRequest { KeyHandle = handle }, tpm.Oiap(TestTpm.OwnerAuth)).PublicPortion);
}
