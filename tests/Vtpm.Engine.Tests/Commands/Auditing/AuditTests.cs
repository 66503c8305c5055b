using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Engine.Commands.Auditing;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Startup;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Auditing;

public class AuditTests
{
    private static readonly TpmDigest Measured = new(SHA1.HashData("measured"u8));

    [Fact]
    public void Audit_Generations2aTo2e_CommandSucceeds_InputAndOutputExtendTheDigest()
    {
        TestTpm tpm = Auditing(TpmOrdinal.Extend, out GetAuditDigestResponse before);
        ExtendResponse response = tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured });
        byte[] input = SHA1.HashData((byte[])[0, 0, 0, 0x14, 0, 0, 0, 9, .. Measured.ReadOnlySpan]);
        byte[] output = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0x14, .. response.OutDigest.ReadOnlySpan]);
        GetAuditDigestResponse after = tpm.Send(new GetAuditDigest(), default);
        Assert.Equal(Extended(Extended(before.AuditDigest, 0x12, input, 1), 0x13, output, 1), after.AuditDigest);
        Assert.Equal((0u, 1u), (after.CounterValue.Label, after.CounterValue.Counter));
    }

    /// <summary>Handles are in no digest, and neither are the authorization blocks.</summary>
    [Fact]
    public void Audit_Generation2b_CommandWithHandlesAndSessions_IsAuditedByTheDigestOfItsHmacs()
    {
        TestTpm tpm = Auditing(TpmOrdinal.Quote, out GetAuditDigestResponse before);
        uint sign = tpm.LoadWrapped(TpmKeyUsage.Signing);
        var request = new QuoteRequest { KeyHandle = sign, ExternalData = tpm.NewNonce(), TargetPcr = TpmPcrSelection.Of(1) };
        QuoteResponse response = tpm.Send(new Quote(), request, tpm.Oiap(TestTpm.KeyAuth));
        byte[] input = SHA1.HashData((byte[])[0, 0, 0, 0x16, .. WireFormat.ToBytes(request)[4..]]);
        byte[] output = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0x16, .. WireFormat.ToBytes(response)]);
        Assert.Equal(Extended(Extended(before.AuditDigest, 0x12, input, 1), 0x13, output, 1), tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void Audit_Generation2a_FirstOfASession_CountsOnceAndOutlivesThePower()
    {
        TestTpm tpm = Auditing(TpmOrdinal.Extend, out _);
        for (uint session = 2; session < 5; session++)
        {
            tpm.PowerCycle();
            PermanentState before = tpm.State.Permanent;
            tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured });
            Assert.NotSame(before, tpm.State.Permanent);
            before = tpm.State.Permanent;
            tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured });
            Assert.Same(before, tpm.State.Permanent);
            Assert.Equal(session, tpm.Send(new GetAuditDigest(), default).CounterValue.Counter);
        }
    }

    [Fact]
    public void Audit_Generation2_CommandFails_IsNotAudited()
    {
        TestTpm tpm = Auditing(TpmOrdinal.Extend, out GetAuditDigestResponse before);
        Assert.Equal(TpmResult.BadIndex, tpm.ResultOf(new Extend(), new ExtendRequest { PcrNum = 24, InDigest = Measured }));
        Assert.Equal(before.AuditDigest, tpm.Send(new GetAuditDigest(), default).AuditDigest);
    }

    /// <summary>§8.1 description 3a.</summary>
    [Fact]
    public void Audit_SaveState_OnlyTheInput()
    {
        TestTpm tpm = Auditing(TpmOrdinal.SaveState, out GetAuditDigestResponse before);
        tpm.Send(new SaveState(), default);
        Assert.Equal(Extended(before.AuditDigest, 0x12, SHA1.HashData([0, 0, 0, 0x98]), 1), tpm.State.StAnyData.AuditDigest);
        Assert.NotNull(tpm.State.Permanent.SavedState);
    }

    /// <summary>§8.1 description 3b: turning the auditing of this very command off is still audited.</summary>
    [Fact]
    public void Audit_SetOrdinalAuditStatusOfItself_ByTheStateBefore()
    {
        TestTpm tpm = Owned();
        Set(tpm, TpmOrdinal.SetOrdinalAuditStatus, state: false);
        TpmDigest audited = tpm.State.StAnyData.AuditDigest;
        Set(tpm, TpmOrdinal.SetOrdinalAuditStatus, state: true);
        Assert.Equal(audited, tpm.State.StAnyData.AuditDigest);
        Assert.NotEqual(default, audited);
    }

    [Fact]
    public void Audit_OwnerClear_IsTheFirstOfANewSession()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.State.Permanent.Data.AuditMonotonicCounter + 1;
        tpm.Send(new OwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth));
        TpmDigest input = Extended(default, 0x12, SHA1.HashData([0, 0, 0, 0x5B]), counter);
        Assert.Equal(Extended(input, 0x13, SHA1.HashData([0, 0, 0, 0, 0, 0, 0, 0x5B]), counter), tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void Audit_NewTpm_AuditsWhatTheTableOfOrdinalsSays()
    {
        var tpm = new TestTpm();
        uint[] byDefault =
        [
            .. tpm.Engine.Commands.Commands.Select(command => command.Traits.Ordinal).Where(ordinal => OrdinalTable.All[ordinal].Audit == "X").Select(ordinal => (uint)ordinal).Order(),
        ];
        Assert.Equal(byDefault, List(tpm.Send(new GetAuditDigest(), default)));
        tpm.CreateEndorsementKeyPair();
        Assert.Equal(default, tpm.State.StAnyData.AuditDigest);
        tpm.Send(new ReadPubek(), new ReadPubekRequest { AntiReplay = tpm.NewNonce() });
        Assert.NotEqual(default, tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void GetAuditDigest_Actions1And2And5_AnswersDigestAndCounter()
    {
        TestTpm tpm = Owned();
        GetAuditDigestResponse response = tpm.Send(new GetAuditDigest(), default);
        Assert.Equal(tpm.State.StAnyData.AuditDigest, response.AuditDigest);
        Assert.NotEqual(default, response.AuditDigest);
        Assert.Equal(tpm.State.Permanent.Data.AuditMonotonicCounter, response.CounterValue.Counter);
        // The command is never audited.
        Assert.Equal(response.AuditDigest, tpm.Send(new GetAuditDigest(), default).AuditDigest);
    }

    [Fact]
    public void GetAuditDigest_Action3_ListsInOrderFromTheStart()
    {
        TestTpm tpm = Owned();
        Set(tpm, TpmOrdinal.Oiap, state: true);
        Set(tpm, TpmOrdinal.TakeOwnership, state: false);
        uint[] all = List(tpm.Send(new GetAuditDigest(), default));
        Assert.Equal((uint)TpmOrdinal.Oiap, all[0]);
        Assert.Equal(all.Order(), all);
        Assert.DoesNotContain((uint)TpmOrdinal.TakeOwnership, all);
        uint[] rest = List(tpm.Send(new GetAuditDigest(), new GetAuditDigestRequest { StartOrdinal = TpmOrdinal.Osap }));
        Assert.Equal(all[1..], rest);
        Assert.Empty(List(tpm.Send(new GetAuditDigest(), new GetAuditDigestRequest { StartOrdinal = (TpmOrdinal)uint.MaxValue })));
    }

    [Fact]
    public void GetAuditDigest_Action4_ListThatDoesNotFit_SaysThatThereIsMore()
    {
        var small = new TestTpm(TpmProfile.Xen with { InputBufferSize = 10 + GetAuditDigestResponse.FixedSize + 9 });
        GetAuditDigestResponse response = small.Send(new GetAuditDigest(), default);
        Assert.True(response.More);
        uint[] all = List(new TestTpm().Send(new GetAuditDigest(), default));
        Assert.Equal(all[..2], List(response));
        Assert.False(new TestTpm().Send(new GetAuditDigest(), default).More);
    }

    [Fact]
    public void GetAuditDigestSigned_Action1_WrongSecretOrNone_AuthFail()
    {
        TestTpm tpm = Owned();
        var request = new GetAuditDigestSignedRequest { KeyHandle = tpm.LoadWrapped(TpmKeyUsage.Signing) };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new GetAuditDigestSigned(), request, tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new GetAuditDigestSigned(), request));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Storage)]
    [InlineData(TpmKeyUsage.Bind)]
    public void GetAuditDigestSigned_Action2_KeyForNoSignatures_InvalidKeyUsage(TpmKeyUsage usage)
    {
        TestTpm tpm = Owned();
        var request = new GetAuditDigestSignedRequest { KeyHandle = tpm.LoadWrapped(usage) };
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.ResultOf(new GetAuditDigestSigned(), request, tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Fact]
    public void GetAuditDigestSigned_Action3_DerScheme_InvalidKeyUsage()
    {
        TestTpm tpm = Owned();
        TpmKey key = tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth);
        key.AlgorithmParms = key.AlgorithmParms with { SigScheme = TpmSigScheme.RsaSsaPkcs1V15Der };
        uint handle = LoadAgain(tpm, key);
        var request = new GetAuditDigestSignedRequest { KeyHandle = handle };
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.ResultOf(new GetAuditDigestSigned(), request, tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing)]
    [InlineData(TpmKeyUsage.Legacy)]
    public void GetAuditDigestSigned_Action4_SignsDigestCounterAndOrdinals(TpmKeyUsage usage)
    {
        TestTpm tpm = Owned();
        uint key = tpm.LoadWrapped(usage);
        TpmNonce replay = tpm.NewNonce();
        GetAuditDigestSignedResponse response = tpm.Send(
            new GetAuditDigestSigned(), new GetAuditDigestSignedRequest { KeyHandle = key, AntiReplay = replay }, tpm.Oiap(TestTpm.KeyAuth));
        byte[] ordinals = SHA1.HashData(tpm.Send(new GetAuditDigest(), default).OrdList.Span);
        Assert.Equal(ordinals, response.OrdinalDigest.ReadOnlySpan);
        byte[] counter = [0, 0x0E, 0, 0, 0, 0, .. TestTpm.BigEndian(tpm.State.Permanent.Data.AuditMonotonicCounter)];
        byte[] data = [.. tpm.State.StAnyData.AuditDigest.ReadOnlySpan, .. counter, .. ordinals];
        byte[] signInfo = [0, 5, .. "ADIG"u8, .. replay.ReadOnlySpan, 0, 0, 0, (byte)data.Length, .. data];
        Witness.VerifySignature(tpm.State.Keys.Find(key)!.Key.PubKey.Key, SHA1.HashData(signInfo), response.Sig);
    }

    [Fact]
    public void GetAuditDigestSigned_Action5a_Identity_ClosesTheSession()
    {
        TestTpm tpm = Owned();
        TpmKey identity = tpm.MakeIdentity(identityAuth: TestTpm.KeyAuth).IdKey;
        uint key = LoadAgain(tpm, identity, isWrapped: true);
        uint counter = tpm.State.Permanent.Data.AuditMonotonicCounter;
        var request = new GetAuditDigestSignedRequest { KeyHandle = key, CloseAudit = true };
        GetAuditDigestSignedResponse response = tpm.Send(new GetAuditDigestSigned(), request, tpm.Oiap(TestTpm.KeyAuth));
        Assert.NotEqual(default, response.AuditDigest);
        Assert.Equal(default, tpm.State.StAnyData.AuditDigest);
        Set(tpm, TpmOrdinal.Extend, state: true);
        Assert.Equal(counter + 1, tpm.State.Permanent.Data.AuditMonotonicCounter);
    }

    [Fact]
    public void GetAuditDigestSigned_Action5b_AnotherKey_InvalidKeyUsage()
    {
        TestTpm tpm = Owned();
        TpmDigest before = tpm.State.StAnyData.AuditDigest;
        var request = new GetAuditDigestSignedRequest { KeyHandle = tpm.LoadWrapped(TpmKeyUsage.Signing), CloseAudit = true };
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.ResultOf(new GetAuditDigestSigned(), request, tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(before, tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void SetOrdinalAuditStatus_Action1_WrongOwner_AuthFail()
    {
        TestTpm tpm = Owned();
        var request = new SetOrdinalAuditStatusRequest { OrdinalToAudit = TpmOrdinal.Extend, AuditState = true };
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new SetOrdinalAuditStatus(), request, tpm.Oiap(TestTpm.KeyAuth)));
        Assert.DoesNotContain((uint)TpmOrdinal.Extend, List(tpm.Send(new GetAuditDigest(), default)));
    }

    [Fact]
    public void SetOrdinalAuditStatus_Action2_OrdinalThatThereIsNot_BadIndex()
    {
        TestTpm tpm = Owned();
        foreach (TpmOrdinal ordinal in (TpmOrdinal[])[0, TpmOrdinal.GetAuditEvent, (TpmOrdinal)0x4000_0042, (TpmOrdinal)uint.MaxValue])
            Assert.Equal(TpmResult.BadIndex, TrySet(tpm, ordinal, state: true));
        Assert.Equal(TpmResult.BadParameter, TrySet(tpm, TpmOrdinal.GetAuditDigest, state: true));
        Assert.Equal(TpmResult.Success, TrySet(tpm, TpmOrdinal.GetAuditDigest, state: false));
    }

    [Fact]
    public void SetOrdinalAuditStatus_Action3_FlagIsSetAndOutlivesThePower()
    {
        TestTpm tpm = Owned();
        Set(tpm, TpmOrdinal.Extend, state: true);
        Set(tpm, TpmOrdinal.Extend, state: true);
        Set(tpm, TpmOrdinal.MakeIdentity, state: false);
        tpm.PowerCycle();
        uint[] audited = List(tpm.Send(new GetAuditDigest(), default));
        Assert.Contains((uint)TpmOrdinal.Extend, audited);
        Assert.DoesNotContain((uint)TpmOrdinal.MakeIdentity, audited);
        Set(tpm, TpmOrdinal.Extend, state: false);
        Set(tpm, TpmOrdinal.MakeIdentity, state: true);
        Assert.Empty(tpm.State.Permanent.Data.AuditChanges);
    }

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }

    /// <summary>An owned TPM that audits one more command, its audit session open.</summary>
    private static TestTpm Auditing(TpmOrdinal ordinal, out GetAuditDigestResponse digest)
    {
        TestTpm tpm = Owned();
        Set(tpm, ordinal, state: true);
        digest = tpm.Send(new GetAuditDigest(), default);
        Assert.NotEqual(default, digest.AuditDigest);
        return tpm;
    }

    private static void Set(TestTpm tpm, TpmOrdinal ordinal, bool state) => Assert.Equal(TpmResult.Success, TrySet(tpm, ordinal, state));

    private static TpmResult TrySet(TestTpm tpm, TpmOrdinal ordinal, bool state) => tpm.ResultOf(
        new SetOrdinalAuditStatus(), new SetOrdinalAuditStatusRequest { OrdinalToAudit = ordinal, AuditState = state }, tpm.Oiap(TestTpm.OwnerAuth));

    private static uint LoadAgain(TestTpm tpm, TpmKey key, bool isWrapped = false)
    {
        if (!isWrapped) key = Witness.Wrap(tpm.State.Permanent.Data.Srk!.Key.PubKey.Key, key, TestTpm.KeyAuth, TestTpm.KeyAuth, FixedRsa.PrimeOf(key.PubKey.Key));
        var request = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key };
        return tpm.Send(new LoadKey2(), request, tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
    }

    private static uint[] List(in GetAuditDigestResponse response)
    {
        ReadOnlySpan<byte> list = response.OrdList.Span;
        var ordinals = new uint[list.Length / 4];
        for (int i = 0; i < ordinals.Length; i++) ordinals[i] = BinaryPrimitives.ReadUInt32BigEndian(list[(4 * i)..]);
        return ordinals;
    }

    /// <summary>SHA-1(auditDigest || TPM_AUDIT_EVENT_IN or _OUT).</summary>
    private static TpmDigest Extended(TpmDigest auditDigest, byte tag, byte[] parms, uint counter) => new(SHA1.HashData(
        (byte[])[.. auditDigest.ReadOnlySpan, 0, tag, .. parms, 0, 0x0E, 0, 0, 0, 0, .. TestTpm.BigEndian(counter)]));
}
