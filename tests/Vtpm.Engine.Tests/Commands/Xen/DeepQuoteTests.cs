using System.Security.Cryptography;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Xen;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Xen;

/// <summary>Xen's two commands: what they ask of the TPM below, and when. That a verifier can make use of the answer, the manager's tests show.</summary>
public class DeepQuoteTests
{
    private static readonly byte[] Nonce = SHA1.HashData("nonce"u8);
    private static readonly TpmPcrSelection Hardware = TpmPcrSelection.Of(0, 17);

    private readonly TestTpm _tpm = new();
    private readonly TpmPubKey _ek;

    public DeepQuoteTests()
    {
        _ek = _tpm.CreateEndorsementKeyPair();
        _tpm.TakeOwnership();
    }

    [Fact]
    public void DeepQuote_Digest_IsOfTheNonceAndThePcrsOfThisTpm()
    {
        TpmDigest pcr9 = _tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = new TpmDigest(Nonce) }).OutDigest;
        VtpmGetQuoteResponse response = _tpm.Send(new DeepQuote(), Request(), _tpm.AsOwner());

        byte[] composite = Witness.Sha1([0, 3, 1, 2, 0, 0, 0, 0, 40], new byte[20], pcr9.ReadOnlySpan.ToArray());
        byte[] expected = Witness.Sha1([0, 0, 0, 0, .. "DQUT"u8], Nonce, [0, 3, 1, 2, 0, 0x01], composite);
        Assert.Equal(expected, _tpm.Parent.Digest.ReadOnlySpan.ToArray());
        Assert.Equal(Hardware.PcrSelect, _tpm.Parent.Pcrs.PcrSelect);
        Assert.Equal(VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.GroupPubkey, _tpm.Parent.Flags);
        Assert.Equal(TestParent.Blob, WireFormat.ToBytes(response));
    }

    /// <summary>TPM_PCR_SELECTION of zeroes: there is nothing to hash, and the digest is zero (Part 2 §8.1).</summary>
    [Fact]
    public void DeepQuote_NoPcrOfThisTpm_DigestIsOfZeroes()
    {
        _tpm.Send(new DeepQuote(), Request() with { VtSel = TpmPcrSelection.Of() }, _tpm.AsOwner());
        byte[] expected = Witness.Sha1([0, 0, 0, 0, .. "DQUT"u8], Nonce, [0, 3, 0, 0, 0, 0x01], new byte[20]);
        Assert.Equal(expected, _tpm.Parent.Digest.ReadOnlySpan.ToArray());
    }

    /// <summary>localityAtRelease is one byte: the localities above 7 have no bit in it.</summary>
    [Fact]
    public void DeepQuote_EveryLocalityOfXen_IsToldAsFarAsAByteGoes()
    {
        byte[] composite = Witness.Sha1([0, 3, 1, 2, 0, 0, 0, 0, 40], new byte[40]);
        for (int locality = 0; locality < 256; locality++)
        {
            _tpm.Locality = locality;
            _tpm.Send(new DeepQuote(), Request(), _tpm.AsOwner());
            byte bit = locality < 8 ? (byte)(1 << locality) : (byte)0;
            byte[] expected = Witness.Sha1([0, 0, 0, 0, .. "DQUT"u8], Nonce, [0, 3, 1, 2, 0, bit], composite);
            Assert.Equal(expected, _tpm.Parent.Digest.ReadOnlySpan.ToArray());
        }
    }

    [Fact]
    public void DeepQuote_WrongSecretOfTheOwner_AuthFailAndNobodyIsAsked()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new DeepQuote(), Request(), _tpm.Oiap(Nonce)));
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new ParentSignEK(), SignRequest(), _tpm.Oiap(Nonce)));
        Assert.Equal(0, _tpm.Parent.Quotes);
    }

    [Fact]
    public void DeepQuote_DelegatedOwner_DisabledCmd()
    {
        _tpm.AddFamily(1);
        TpmDelegatePublic all = TestTpm.Delegation((TpmDelegateOwnerPermission)uint.MaxValue);
        TestAuth dsap = _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(all)));
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new DeepQuote(), Request(), dsap));
        Assert.Equal(0, _tpm.Parent.Quotes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(1000)]
    public void DeepQuote_SelectionThatIsNoneOfThisTpm_InvalidPcrInfo(int length)
    {
        DeepQuoteRequest request = Request() with { VtSel = new TpmPcrSelection { PcrSelect = new byte[length] } };
        Assert.Equal(TpmResult.InvalidPcrInfo, _tpm.ResultOf(new DeepQuote(), request, _tpm.AsOwner()));
        Assert.Equal(0, _tpm.Parent.Quotes);
    }

    [Theory]
    [InlineData(TpmResult.BadParameter)]
    [InlineData(TpmResult.ClearDisabled)]
    [InlineData(TpmResult.IOError)]
    [InlineData(TpmResult.Fail)]
    public void DeepQuote_ParentRefuses_ItsErrorIsAnsweredAndTheSessionEnds(TpmResult refusal)
    {
        _tpm.Parent.Result = refusal;
        TestAuth owner = _tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        Assert.Equal(refusal, _tpm.ResultOf(new DeepQuote(), Request(), owner));
        Assert.Null(_tpm.State.Sessions.Find(owner.Handle));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.False(_tpm.State.Failed);
    }

    /// <summary>TPM_RETRY is not fatal: what was sent can be sent again as it is.</summary>
    [Fact]
    public void DeepQuote_ParentIsNotThere_RetrySucceedsWhenItIsBack()
    {
        _tpm.Parent.Result = TpmResult.Retry;
        byte[] request = TestTpm.Request(new DeepQuote(), Request(), _tpm.AsOwner());
        Assert.Equal(TpmResult.Retry, TestTpm.ResultOf(_tpm.Execute(request)));
        _tpm.Parent.Result = TpmResult.Success;
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(_tpm.Execute(request)));
    }

    [Fact]
    public void ParentSignEK_Digest_IsTheChecksumOfReadPubek()
    {
        VtpmGetQuoteResponse response = _tpm.Send(new ParentSignEK(), SignRequest(), _tpm.AsOwner());
        Assert.Equal(Witness.Sha1(WireFormat.ToBytes(_ek), Nonce), _tpm.Parent.Digest.ReadOnlySpan.ToArray());
        Assert.Equal(Hardware.PcrSelect, _tpm.Parent.Pcrs.PcrSelect);
        Assert.Equal(VtpmQuoteFlags.None, _tpm.Parent.Flags);
        Assert.Equal(TestParent.Blob, WireFormat.ToBytes(response));
    }

    [Fact]
    public void ParentSignEK_KeyWasMadeBeforeThePowerCameOn_DisabledCmd()
    {
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new ParentSignEK(), SignRequest(), _tpm.AsOwner()));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new ParentSignEK(), SignRequest(), _tpm.AsOwner()));
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new ParentSignEK(), SignRequest(), _tpm.AsOwner()));
        Assert.Equal(2, _tpm.Parent.Quotes);
    }

    [Fact]
    public void ParentSignEK_KeyIsRevokedAndMadeAnew_IsFreshAgain()
    {
        var tpm = new TestTpm();
        var create = new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms, InputEKReset = new TpmNonce(Nonce) };
        tpm.Send(new CreateRevocableEK(), create);
        tpm.PowerCycle();
        tpm.AssertPresence();
        tpm.Send(new RevokeTrust(), new RevokeTrustRequest { EKReset = create.InputEKReset });
        Assert.False(tpm.State.IsEndorsementKeyFresh);
        // What is left is disabled and deactivated.
        tpm.SetPermanentFlags(flags => flags with { Disable = false, Deactivated = false });
        tpm.PowerCycle();
        tpm.Send(new CreateRevocableEK(), create);
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, tpm.ResultOf(new ParentSignEK(), SignRequest(), tpm.AsOwner()));
    }

    [Fact]
    public void RevokeTrust_FreshKey_IsFreshNoMore()
    {
        var tpm = new TestTpm();
        tpm.Send(new CreateRevocableEK(), new CreateRevocableEKRequest { KeyInfo = TestTpm.StorageParms });
        Assert.True(tpm.State.IsEndorsementKeyFresh);
        tpm.AssertPresence();
        tpm.Send(new RevokeTrust(), default);
        Assert.False(tpm.State.IsEndorsementKeyFresh);
    }

    /// <summary>The stand-in for hardware, and whatever else has nothing below it.</summary>
    [Fact]
    public void XensCommands_TpmWithoutParent_HasNone()
    {
        var tpm = new TestTpm(hasParent: false);
        tpm.TakeOwnership();
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new DeepQuote(), Request(), tpm.AsOwner()));
        Assert.Equal(TpmResult.BadOrdinal, tpm.ResultOf(new ParentSignEK(), SignRequest(), tpm.AsOwner()));
        foreach (TpmOrdinal ordinal in (TpmOrdinal[])[TpmOrdinal.DeepQuote, TpmOrdinal.ParentSignEK])
        {
            Assert.Equal([0], tpm.GetCapability(TpmCapability.Ord, (uint)ordinal));
            Assert.Equal([1], _tpm.GetCapability(TpmCapability.Ord, (uint)ordinal));
        }
    }

    private static DeepQuoteRequest Request() => new()
    {
        ExternData = new TpmNonce(Nonce),
        VtSel = TpmPcrSelection.Of(0, 9),
        PtSel = Hardware,
        ExtraInfoFlags = VtpmQuoteFlags.HashUuid | VtpmQuoteFlags.GroupPubkey,
    };

    private static ParentSignEKRequest SignRequest() => new() { ExternData = new TpmNonce(Nonce), PtSel = Hardware };
}
