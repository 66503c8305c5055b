using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Ownership;

public class TakeOwnershipTests
{
    [Fact]
    public void TakeOwnership_Actions10cTo17_NewTpm_InstallsOwnerAndSrk()
    {
        var tpm = new TestTpm();
        PermanentData before = tpm.State.Permanent.Data;
        TpmKey srk = tpm.TakeOwnership();
        PermanentData after = tpm.State.Permanent.Data;
        Assert.Equal(256, srk.PubKey.Key.Length);
        Assert.True(srk.EncData.IsEmpty);
        Assert.Equal(TpmKey.Version11, srk.Ver);
        Assert.Equal(WireFormat.ToBytes(srk), WireFormat.ToBytes(after.Srk!.Key));
        Assert.Equal(TestTpm.OwnerAuth, after.OwnerAuth!.Span.ToArray());
        Assert.Equal(TestTpm.WellKnown, after.Srk.UsageAuth.Span.ToArray());
        Assert.NotEqual(before.TpmProof, after.TpmProof);
        Assert.NotEqual(before.ContextKey, after.ContextKey);
        Assert.NotEqual(before.DelegateKey, after.DelegateKey);
        Assert.False(tpm.State.Permanent.Flags.ReadPubek);
    }

    [Fact]
    public void TakeOwnership_Action9_SrkParamsAsKey12WithPcrs_SrkIsKey12BoundToThem()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        var info = new TpmPcrInfoLong
        {
            LocalityAtCreation = TpmLocalitySelection.Zero,
            LocalityAtRelease = TpmLocalitySelection.Zero,
            CreationPcrSelection = TpmPcrSelection.Of(4),
            ReleasePcrSelection = TpmPcrSelection.Of(4),
        };
        request.SrkParams.Ver = TpmKey.Tag12;
        request.SrkParams.PcrInfo = WireFormat.ToBytes(info);
        TpmKey srk = tpm.Send(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)).SrkPub;
        Assert.True(srk.IsKey12);
        Assert.Equal(TpmResult.Success, WireFormat.Read(srk.PcrInfo.Span, out TpmPcrInfoLong stamped));
        Assert.Equal(tpm.State.Pcrs.CompositeHash(TpmPcrSelection.Of(4)), stamped.DigestAtCreation);
        Assert.False(tpm.State.Permanent.Data.Srk!.Binding.ReleaseSelection.IsEmpty);
    }

    [Fact]
    public void TakeOwnership_Action18_SessionGoesOn_AuthorizesTheOwner()
    {
        var tpm = new TestTpm();
        TestAuth auth = tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new TakeOwnership(), Request(tpm), auth);
        Assert.True(auth.GoesOn);
        tpm.Send(new DisableOwnerClear(), default, auth);
    }

    [Fact]
    public void TakeOwnership_WhileDeactivated_Success()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        tpm.State = tpm.State with { StClearFlags = tpm.State.StClearFlags with { Deactivated = true } };
        tpm.Send(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth));
        Assert.NotNull(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void TakeOwnership_Action1_OwnerThere_OwnerSet()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.OwnerSet, tpm.ResultOf(new TakeOwnership(), Request(tpm), tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void TakeOwnership_Action2_OwnershipNotAllowed_InstallDisabled()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        tpm.SetPermanentFlags(flags => flags with { Ownership = false });
        Assert.Equal(TpmResult.InstallDisabled, tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void TakeOwnership_Action3_NoEndorsementKey_NoEndorsement()
    {
        TakeOwnershipRequest request = Request(new TestTpm());
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.NoEndorsement, tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    /// <summary>Without an owner no OSAP session can be opened: this one is left from an earlier owner.</summary>
    [Fact]
    public void TakeOwnership_Action4_OsapSession_AuthFail()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        TestAuth osap = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Data = tpm.State.Permanent.Data with { OwnerAuth = null } } };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new TakeOwnership(), Request(tpm), osap));
    }

    [Fact]
    public void TakeOwnership_Action5_OtherProtocol_BadParameter() =>
        Assert.Equal(TpmResult.BadParameter, Answer((ref TakeOwnershipRequest request) => request.ProtocolId = TpmProtocolId.Adcp));

    [Fact]
    public void TakeOwnership_Action6a_SecretNotForThisEndorsementKey_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, Answer((ref TakeOwnershipRequest request) => request.EncOwnerAuth = new byte[256]));

    [Fact]
    public void TakeOwnership_Action6b_SecretOfOtherLength_BadKeyProperty()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        request.EncOwnerAuth = TestTpm.EncryptOaep(tpm.State.Permanent.Data.EndorsementKey!.Key.ToPubKey(), new byte[19]);
        Assert.Equal(TpmResult.BadKeyProperty, tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void TakeOwnership_Action7_SessionOfOtherSecret_AuthFailThatCountsForNothing()
    {
        var tpm = new TestTpm();
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new TakeOwnership(), Request(tpm), tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(0u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void TakeOwnership_Actions8aTo8g_WrongSrkParams_EachItsError()
    {
        Assert.Equal(TpmResult.InvalidKeyUsage, Answer((ref TakeOwnershipRequest request) => request.SrkParams.KeyUsage = TpmKeyUsage.Signing));
        Assert.Equal(TpmResult.InvalidKeyUsage, Answer((ref TakeOwnershipRequest request) => request.SrkParams.KeyFlags = TpmKeyFlags.Migratable));
        Assert.Equal(
            TpmResult.BadKeyProperty,
            Answer((ref TakeOwnershipRequest request) => request.SrkParams.AlgorithmParms.AlgorithmId = TpmAlgorithmId.Sha));
        Assert.Equal(
            TpmResult.BadKeyProperty,
            Answer((ref TakeOwnershipRequest request) => request.SrkParams.AlgorithmParms.EncScheme = TpmEncScheme.None));
        Assert.Equal(
            TpmResult.BadKeyProperty,
            Answer((ref TakeOwnershipRequest request) => request.SrkParams.AlgorithmParms.SigScheme = TpmSigScheme.RsaSsaPkcs1V15Sha1));
        Assert.Equal(
            TpmResult.BadKeyProperty,
            Answer((ref TakeOwnershipRequest request) => request.SrkParams.AlgorithmParms.Parms = Parms("00000400000000020000" + "0000")));
        Assert.Equal(
            TpmResult.BadKeyProperty,
            Answer((ref TakeOwnershipRequest request) => request.SrkParams.AlgorithmParms.Parms = Parms("000008000000000200000003010001")));
    }

    /// <summary>Part 2 §5.9 and §5.10: what they do not define is refused.</summary>
    [Fact]
    public void TakeOwnership_Action8_UndefinedFlagOrAuthDataUsage_BadKeyProperty()
    {
        Assert.Equal(TpmResult.BadKeyProperty, Answer((ref TakeOwnershipRequest request) => request.SrkParams.KeyFlags = (TpmKeyFlags)0x20));
        Assert.Equal(TpmResult.BadKeyProperty, Answer((ref TakeOwnershipRequest request) => request.SrkParams.AuthDataUsage = (TpmAuthDataUsage)2));
    }

    [Fact]
    public void TakeOwnership_Action9_MalformedPcrInfo_InvalidPcrInfo() =>
        Assert.Equal(TpmResult.InvalidPcrInfo, Answer((ref TakeOwnershipRequest request) => request.SrkParams.PcrInfo = Parms("0001")));

    [Fact]
    public void TakeOwnership_Action10a_SrkSecretNotForThisEndorsementKey_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, Answer((ref TakeOwnershipRequest request) => request.EncSrkAuth = new byte[256]));

    [Fact]
    public void TakeOwnership_Action8h_FipsAndNoAuthorization_NotFips()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        request.SrkParams.AuthDataUsage = TpmAuthDataUsage.Never;
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Flags = tpm.State.Permanent.Flags with { Fips = true } } };
        Assert.Equal(TpmResult.NotFips, tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void TakeOwnership_Action10b_SrkSecretOfOtherLength_BadKeyProperty()
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        request.EncSrkAuth = TestTpm.EncryptOaep(tpm.State.Permanent.Data.EndorsementKey!.Key.ToPubKey(), new byte[21]);
        Assert.Equal(TpmResult.BadKeyProperty, tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Null(tpm.State.Permanent.Data.OwnerAuth);
    }

    [Fact]
    public void ReadPubek_Action1_AfterTakeOwnership_DisabledCmd()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.DisabledCmd, tpm.ResultOf(new ReadPubek(), default));
    }

    private delegate void Change(ref TakeOwnershipRequest request);

    private static TpmResult Answer(Change change)
    {
        var tpm = new TestTpm();
        TakeOwnershipRequest request = Request(tpm);
        change(ref request);
        return tpm.ResultOf(new TakeOwnership(), request, tpm.Oiap(TestTpm.OwnerAuth));
    }

    private static TakeOwnershipRequest Request(TestTpm tpm)
    {
        TpmPubKey pubek = tpm.State.Permanent.Data.EndorsementKey?.Key.ToPubKey() ?? tpm.CreateEndorsementKeyPair();
        return TestTpm.OwnershipRequest(pubek, TestTpm.OwnerAuth, TestTpm.WellKnown);
    }

    private static byte[] Parms(string hex) => Convert.FromHexString(hex);
}
