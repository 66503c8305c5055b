using System.Security.Cryptography;
using Vtpm.Engine.Commands.Auditing;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Capability;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Endorsement;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.TransportSessions;

/// <summary>TPM_ExecuteTransport. What the TPM encrypts, authorizes and logs is held against TestTransport, which works it out on its own.</summary>
public class ExecuteTransportTests
{
    /// <summary>Bytes of an answer in the answer of TPM_ExecuteTransport, whose own are the others.</summary>
    private const int Room = 4088 - 10 - 16 - 41;

    private static readonly TpmDigest Measured = new(SHA1.HashData("measured"u8));

    private readonly TestTpm _tpm = new();

    public ExecuteTransportTests() => _tpm.TakeOwnership();

    public static TheoryData<TpmTransportAttributes, TpmAlgorithmId, TpmEncScheme> Kinds
    {
        get
        {
            var kinds = new TheoryData<TpmTransportAttributes, TpmAlgorithmId, TpmEncScheme>();
            foreach (TpmTransportAttributes more in (TpmTransportAttributes[])[default, TpmTransportAttributes.Log, TpmTransportAttributes.Exclusive])
            {
                kinds.Add(more, TpmAlgorithmId.Mgf1, TpmEncScheme.None);
                kinds.Add(more | TpmTransportAttributes.Encrypt, TpmAlgorithmId.Mgf1, TpmEncScheme.None);
                kinds.Add(more | TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, TpmEncScheme.SymCtr);
                kinds.Add(more | TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, TpmEncScheme.SymOfb);
            }

            return kinds;
        }
    }

    private TestTransport Plain => _tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.None));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ExecuteTransport_Actions4aAnd4bAnd5And6And11To18And21_Command_IsExecutedAndAnswered(TpmTransportAttributes attributes, TpmAlgorithmId algId, TpmEncScheme scheme)
    {
        TestTransport transport = Open(TestTpm.Transport(attributes, algId, scheme));
        TpmDigest expected = new(SHA1.HashData((byte[])[.. new byte[20], .. Measured.ReadOnlySpan]));
        Assert.Equal(expected, _tpm.ExecuteWrapped(transport, new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured }).OutDigest);
        Assert.Equal(expected, _tpm.State.Pcrs[9]);
        _tpm.Time.Advance(TimeSpan.FromSeconds(1));
        _tpm.Locality = 3;
        Assert.Equal(200, _tpm.ExecuteWrapped(transport, new GetRandom(), new GetRandomRequest { BytesRequested = 200 }).RandomBytes.Length);
        Assert.True(transport.GoesOn);
        Assert.Equal(1_000_000ul, transport.Ticks.CurrentTicks);
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    /// <summary>Handles and the authorization blocks stand in the clear, and are in neither HMAC nor log: only the keys behind them.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void ExecuteTransport_Actions2And10_CommandWithHandlesAndSessions_LogsItsKeys(TpmTransportAttributes attributes, TpmAlgorithmId algId, TpmEncScheme scheme)
    {
        uint sign = _tpm.LoadWrapped(TpmKeyUsage.Signing), storage = _tpm.LoadWrapped(TpmKeyUsage.Storage);
        TestAuth[] auths = [.. Enumerable.Range(0, 4).Select(_ => _tpm.Oiap(TestTpm.KeyAuth))];
        TestTransport transport = Open(TestTpm.Transport(attributes, algId, scheme));
        SignResponse signed = _tpm.ExecuteWrapped(
            transport, new Sign(), new SignRequest { KeyHandle = sign, AreaToSign = new byte[20] }, KeysHash(sign), auths[0]);
        Witness.VerifySignature(_tpm.State.Keys.Find(sign)!.Key.PubKey.Key, new byte[20], signed.Sig);
        _tpm.ExecuteWrapped(
            transport, new CertifyKey(), new CertifyKeyRequest { CertHandle = sign, KeyHandle = storage }, KeysHash(sign, storage), auths[1], auths[2]);
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    [Fact]
    public void ExecuteTransport_Action1_HandleOfNoTransportSession_InvalidAuthHandle()
    {
        uint oiap = _tpm.Oiap(TestTpm.TransportAuth).Handle;
        var stranger = new TestTransport { Handle = oiap, AuthData = TestTpm.TransportAuth, Public = default, NonceEven = default };
        Assert.Equal(TpmResult.InvalidAuthHandle, PcrRead(stranger).Outer);
        // And the other way round: no command but these takes a transport session for its authorization.
        TestTransport transport = Plain;
        var auth = new TestAuth { Handle = transport.Handle, NonceEven = transport.NonceEven, Key = TestTpm.TransportAuth };
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new OwnerClear(), default, auth));
    }

    [Fact]
    public void ExecuteTransport_Action3_CommandThatCannotBeDetermined_BadParameter()
    {
        foreach (byte[] wrapped in (byte[][])
            [
                [0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 1], [0, 0xC1, 0, 0, 0, 10, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0xC0, 0, 0, 0, 10, 0, 0, 0, 0x50],
                [0, 0xC4, 0, 0, 0, 10, 0, 0, 0, 0x50], [0, 0xC2, 0, 0, 0, 10, 0, 0, 0, 0x50], [0, 0xC1, 0, 0, 0, 12, 0, 0, 0, 0x16, 0, 0],
            ])
            Assert.Equal(TpmResult.BadParameter, Outer(Plain, wrapped));
        foreach (byte[] wrapped in (byte[][])[[], [0, 0xC1, 0, 0, 0, 10, 0, 0, 0], [0, 0xC1, 0, 0, 0, 11, 0, 0, 0, 0x50], [0, 0xC1, 0, 0, 0, 9, 0, 0, 0, 0x50]])
            Assert.Equal(TpmResult.BadParamSize, Outer(Plain, wrapped));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ExecuteTransport_Action4c_OiapAndOsap_AreNeitherEncryptedNorLogged(TpmTransportAttributes attributes, TpmAlgorithmId algId, TpmEncScheme scheme)
    {
        TestTransport transport = Open(TestTpm.Transport(attributes, algId, scheme));
        Assert.Equal((4 + 20, 2 + 4 + 20, 4 + 40), (new Oiap().Traits.BareOut, new Osap().Traits.BareIn, new Osap().Traits.BareOut));
        uint oiap = _tpm.ExecuteWrapped(transport, new Oiap(), default).AuthHandle;
        var request = new OsapRequest { EntityType = TpmEntityType.KeyHandle, EntityValue = TpmKeyHandle.Srk, NonceOddOsap = _tpm.NewNonce() };
        uint osap = _tpm.ExecuteWrapped(transport, new Osap(), request).AuthHandle;
        Assert.NotNull(_tpm.State.Sessions.Find(oiap));
        Assert.NotNull(_tpm.State.Sessions.Find(osap));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ExecuteTransport_Action4d_Dsap_OnlyEntityValueIsEncryptedAndLogged(TpmTransportAttributes attributes, TpmAlgorithmId algId, TpmEncScheme scheme)
    {
        _tpm.AddFamily(1);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear));
        TestTransport transport = Open(TestTpm.Transport(attributes, algId, scheme));
        Assert.Equal((2 + 4 + 20 + 4, 4 + 40), (new Dsap().Traits.BareIn, new Dsap().Traits.BareOut));
        var request = new DsapRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = new byte[4], NonceOddDsap = _tpm.NewNonce() };
        uint dsap = _tpm.ExecuteWrapped(transport, new Dsap(), request).AuthHandle;
        Assert.NotNull(_tpm.State.Sessions.Find(dsap));
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    [Fact]
    public void ExecuteTransport_Action7_WrongSecret_AuthFailAndTheSessionIsGone()
    {
        TestTransport transport = Plain;
        byte[] wrapped = transport.Wrap(TestTpm.Request(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured }), 0, default, _tpm.NewNonce());
        wrapped[^1] ^= 1;
        Assert.Equal(TpmResult.AuthFail, TestTpm.ResultOf(_tpm.Execute(wrapped)));
        Assert.Equal(default, _tpm.State.Pcrs[9]);
        Assert.Null(_tpm.State.Transports.Find(transport.Handle));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void ExecuteTransport_Action7_ParameterChangedOnItsWay_AuthFail()
    {
        byte[] request = TestTpm.Request(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured });
        for (int at = 10; at < request.Length; at++)
        {
            TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Encrypt));
            byte[] wrapped = transport.Wrap(request, 0, default, _tpm.NewNonce());
            wrapped[14 + at] ^= 1;
            Assert.Equal(TpmResult.AuthFail, TestTpm.ResultOf(_tpm.Execute(wrapped)));
        }
    }

    [Fact]
    public void ExecuteTransport_Actions8And20_Audited_ByH1AndH2AroundTheCommandInIt()
    {
        Audit(TpmOrdinal.ExecuteTransport);
        Audit(TpmOrdinal.Extend);
        TestTransport transport = Plain;
        TpmDigest before = _tpm.State.StAnyData.AuditDigest;
        TpmDigest outDigest = _tpm.ExecuteWrapped(transport, new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured }).OutDigest;
        byte[] h1 = SHA1.HashData((byte[])[0, 0, 0, 0x14, 0, 0, 0, 9, .. Measured.ReadOnlySpan]);
        byte[] h2 = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0x14, .. outDigest.ReadOnlySpan]);
        Assert.Equal(Audited(Audited(Audited(Audited(before, 0x12, h1), 0x12, h1), 0x13, h2), 0x13, h2), _tpm.State.StAnyData.AuditDigest);
    }

    /// <summary>Part 1 §18.4.1: of a command that nobody was to see only the ordinal and the code are audited.</summary>
    [Fact]
    public void ExecuteTransport_Action11a_AuditedCommandInAnEncryptedSession_TellsNothingOfItsParameters()
    {
        Audit(TpmOrdinal.Extend);
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Encrypt));
        TpmDigest before = _tpm.State.StAnyData.AuditDigest;
        _tpm.ExecuteWrapped(transport, new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured });
        TpmDigest input = Audited(before, 0x12, SHA1.HashData([0, 0, 0, 0x14]));
        Assert.Equal(Audited(input, 0x13, SHA1.HashData([0, 0, 0, 0, 0, 0, 0, 0x14])), _tpm.State.StAnyData.AuditDigest);
    }

    [Fact]
    public void ExecuteTransport_Action9_CommandsOfTransportSessions_NoWrapTransport()
    {
        var establish = _tpm.TransportRequest(TestTpm.Transport(default), TpmKeyHandle.Transport);
        Assert.Equal(TpmResult.NoWrapTransport, _tpm.TryExecuteWrapped(Plain, new EstablishTransport(), establish, out _).Outer);
        Assert.Equal(TpmResult.NoWrapTransport, _tpm.TryExecuteWrapped(Plain, new ExecuteTransport(), default, out _, default, _tpm.Oiap([])).Outer);
        var release = new ReleaseTransportSignedRequest { KeyHandle = TpmKeyHandle.Srk };
        Assert.Equal(TpmResult.NoWrapTransport, _tpm.TryExecuteWrapped(Plain, new ReleaseTransportSigned(), release, out _, default, _tpm.Oiap([])).Outer);
        // With a wrong HMAC that is not told.
        TestTransport transport = Plain;
        byte[] wrapped = transport.Wrap(TestTpm.Request(new EstablishTransport(), establish), 4, default, _tpm.NewNonce());
        wrapped[^1] ^= 1;
        Assert.Equal(TpmResult.AuthFail, TestTpm.ResultOf(_tpm.Execute(wrapped)));
    }

    [Fact]
    public void ExecuteTransport_Action10g_LoggedAndTheKeyIsNotLoaded_InvalidKeyHandle()
    {
        var request = new SignRequest { KeyHandle = 0x01020304, AreaToSign = new byte[20] };
        TestTransport logged = Open(TestTpm.Transport(TpmTransportAttributes.Log));
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.TryExecuteWrapped(logged, new Sign(), request, out _, default, _tpm.Oiap([])).Outer);
        Assert.Equal((TpmResult.Success, TpmResult.InvalidKeyHandle), _tpm.TryExecuteWrapped(Plain, new Sign(), request, out _, default, _tpm.Oiap([])));
    }

    /// <summary>What is a key among the handles depends on the command, and of two commands on the resource type.</summary>
    [Fact]
    public void ExecuteTransport_Action10_HandlesOfOtherThings_LogNoKey()
    {
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Storage);
        uint oiap = _tpm.Oiap([]).Handle, second = _tpm.Oiap([]).Handle, third = _tpm.Oiap([]).Handle;
        TestAuth owner = _tpm.AsOwner();
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Log));
        _tpm.ExecuteWrapped(transport, new FlushSpecific(), new FlushSpecificRequest { Handle = oiap, ResourceType = TpmResourceType.Auth });
        _tpm.ExecuteWrapped(transport, new TerminateHandle(), new TerminateHandleRequest { Handle = second });
        var save = new SaveContextRequest { Handle = third, ResourceType = TpmResourceType.Auth, Label = new byte[16] };
        ReadOnlyMemory<byte> saved = _tpm.ExecuteWrapped(transport, new SaveContext(), save).ContextBlob;
        _tpm.ExecuteWrapped(transport, new LoadContext(), new LoadContextRequest { EntityHandle = key, ContextBlob = saved });
        save = save with { Handle = key, ResourceType = TpmResourceType.Key };
        _tpm.ExecuteWrapped(transport, new SaveContext(), save, KeysHash(key));
        _tpm.ExecuteWrapped(transport, new OwnerReadInternalPub(), new OwnerReadInternalPubRequest { KeyHandle = TpmKeyHandle.Srk }, KeysHash(TpmKeyHandle.Srk), owner);
        _tpm.ExecuteWrapped(transport, new FlushSpecific(), new FlushSpecificRequest { Handle = key, ResourceType = TpmResourceType.Key }, KeysHash(key));
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    [Fact]
    public void ExecuteTransport_Action11_CommandFails_TheSessionGoesOnWithItsAnswer()
    {
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Log | TpmTransportAttributes.Encrypt));
        TestAuth wrong = _tpm.Oiap(TestTpm.KeyAuth);
        Assert.Equal((TpmResult.Success, TpmResult.AuthFail), _tpm.TryExecuteWrapped(transport, new OwnerClear(), default, out _, default, wrong));
        // What a failure leaves behind is there as it is outside: the session is gone, the guess is counted.
        Assert.Null(_tpm.State.Sessions.Find(wrong.Handle));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal((TpmResult.Success, TpmResult.BadIndex), _tpm.TryExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 99 }, out _));
        Assert.Equal((TpmResult.Success, TpmResult.Success), PcrRead(transport));
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    [Fact]
    public void ExecuteTransport_Action11_CommandThatChangesWhatLasts_IsPersisted()
    {
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Encrypt));
        PermanentState before = _tpm.State.Permanent;
        PcrRead(transport);
        Assert.Same(before, _tpm.State.Permanent);
        var set = new SetCapabilityRequest { CapArea = TpmSetCapability.PermFlags, SubCap = TestTpm.BigEndian(4), SetValue = new byte[] { 1 } };
        _tpm.ExecuteWrapped(transport, new SetCapability(), set, default, _tpm.AsOwner());
        Assert.NotSame(before, _tpm.State.Permanent);
    }

    /// <summary>By itself it fits: what carries it takes some of the room.</summary>
    [Fact]
    public void ExecuteTransport_Action11_AnswerThatDoesNotFit_TheCommandSaysSo()
    {
        const uint Most = Room - 14;
        _tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, Most + 1));
        TestTransport transport = Plain;
        var request = new NvReadValueRequest { NvIndex = TestTpm.NvIndex, DataSize = Most + 1 };
        Assert.Equal((TpmResult.Success, TpmResult.Size), _tpm.TryExecuteWrapped(transport, new NvReadValue(), request, out _));
        request.DataSize = Most;
        Assert.Equal((TpmResult.Success, TpmResult.Success), _tpm.TryExecuteWrapped(transport, new NvReadValue(), request, out _));
        request.DataSize = Most + 1;
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new NvReadValue(), request));
    }

    [Fact]
    public void ExecuteTransport_Action11_GetRandom_AnswersAsManyBytesAsFitInside()
    {
        GetRandomResponse response = _tpm.ExecuteWrapped(Plain, new GetRandom(), new GetRandomRequest { BytesRequested = uint.MaxValue });
        Assert.Equal(Room - 14, response.RandomBytes.Length);
    }

    [Fact]
    public void ExecuteTransport_Action19_ContinueFalse_EndsTheSession()
    {
        TestTransport transport = Plain;
        transport.Continue = false;
        Assert.Equal((TpmResult.Success, TpmResult.Success), PcrRead(transport));
        Assert.False(transport.GoesOn);
        Assert.Equal(TpmResult.InvalidAuthHandle, PcrRead(transport).Outer);
    }

    [Fact]
    public void ExecuteTransport_NonceUsedAgain_AuthFail()
    {
        TestTransport transport = Plain;
        byte[] wrapped = transport.Wrap(TestTpm.Request(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = Measured }), 0, default, _tpm.NewNonce());
        Assert.Equal(TpmResult.Success, TestTpm.ResultOf(_tpm.Execute(wrapped)));
        Assert.Equal(TpmResult.AuthFail, TestTpm.ResultOf(_tpm.Execute(wrapped)));
    }

    /// <summary>§24.2 description 7: the command is executed, and the session is gone.</summary>
    [Fact]
    public void ExecuteTransport_CommandThatEndsTheSession_IsAnsweredAndTheSessionIsGone()
    {
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Encrypt));
        _tpm.ExecuteWrapped(transport, new FlushSpecific(), new FlushSpecificRequest { Handle = transport.Handle, ResourceType = TpmResourceType.Trans });
        Assert.False(transport.GoesOn);
        transport = Open(TestTpm.Transport(TpmTransportAttributes.Encrypt));
        _tpm.ExecuteWrapped(transport, new OwnerClear(), default, default, _tpm.AsOwner());
        Assert.False(transport.GoesOn);
        Assert.Null(_tpm.State.Permanent.Data.OwnerAuth);
        Assert.Equal(0, _tpm.State.Transports.Count);
    }

    [Fact]
    public void ExecuteTransport_Sha1Thread_IsEndedByTheCommandInItOnly()
    {
        TestTransport transport = Plain;
        _tpm.ExecuteWrapped(transport, new Sha1Start(), default);
        _tpm.ExecuteWrapped(transport, new Sha1Update(), new Sha1UpdateRequest { HashData = new byte[64] });
        Assert.Equal(
            new TpmDigest(SHA1.HashData(new byte[64])), _tpm.ExecuteWrapped(transport, new Sha1Complete(), new Sha1CompleteRequest { HashData = default }).HashValue);
        _tpm.ExecuteWrapped(transport, new Sha1Start(), default);
        PcrRead(transport);
        Assert.Null(_tpm.State.Sha1Thread);
    }

    [Fact]
    public void SaveAndLoadContext_TransportSession_GoesOnWhereItWas()
    {
        TestTransport transport = Open(TestTpm.Transport(TpmTransportAttributes.Log | TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, TpmEncScheme.SymOfb));
        PcrRead(transport);
        var save = new SaveContextRequest { Handle = transport.Handle, ResourceType = TpmResourceType.Trans, Label = new byte[16] };
        ReadOnlyMemory<byte> saved = _tpm.Send(new SaveContext(), save).ContextBlob;
        Assert.Equal(0, _tpm.State.Transports.Count);
        Assert.Equal(transport.Handle, _tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = saved, KeepHandle = true }).Handle);
        Assert.Equal(TpmResult.BadContext, _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = saved }));
        Assert.Equal((TpmResult.Success, TpmResult.Success), PcrRead(transport));
        Assert.Equal(transport.Digest, _tpm.State.Transports.Find(transport.Handle)!.Digest);
    }

    /// <summary>
    /// A blob made in the session itself would bring back a nonce that is used up, and an exclusive session that other commands were hidden from
    /// (Part 3 §21.2).
    /// </summary>
    [Theory]
    [InlineData(TpmTransportAttributes.None)]
    [InlineData(TpmTransportAttributes.Exclusive)]
    [InlineData(TpmTransportAttributes.Exclusive | TpmTransportAttributes.Encrypt | TpmTransportAttributes.Log)]
    public void SaveContext_Action2_TransportSessionThatBringsTheCommand_InvalidResource(TpmTransportAttributes attributes)
    {
        TestTransport transport = Open(TestTpm.Transport(attributes));
        var save = new SaveContextRequest { Handle = transport.Handle, ResourceType = TpmResourceType.Trans, Label = new byte[16] };
        Assert.Equal((TpmResult.Success, TpmResult.InvalidResource), _tpm.TryExecuteWrapped(transport, new SaveContext(), save, out _));
        Assert.Equal((TpmResult.Success, TpmResult.Success), PcrRead(transport));
        Assert.Empty(_tpm.State.StAnyData.ContextList);
    }

    [Fact]
    public void SaveContext_AnotherTransportSession_IsSavedInThisOne()
    {
        TestTransport saved = Plain, transport = Plain;
        var save = new SaveContextRequest { Handle = saved.Handle, ResourceType = TpmResourceType.Trans, Label = new byte[16] };
        ReadOnlyMemory<byte> blob = _tpm.ExecuteWrapped(transport, new SaveContext(), save).ContextBlob;
        _tpm.ExecuteWrapped(transport, new LoadContext(), new LoadContextRequest { ContextBlob = blob, KeepHandle = true });
        Assert.Equal((TpmResult.Success, TpmResult.Success), PcrRead(saved));
    }

    /// <summary>Part 1 §19 rule 2b: the digest begins from zeroes twice, and no two audit sessions have the same count.</summary>
    [Fact]
    public void ExecuteTransport_Action20_TheCommandInItHasClosedTheAuditSession_TheOutputOpensAnother()
    {
        Audit(TpmOrdinal.ExecuteTransport);
        TpmKey identity = _tpm.MakeIdentity(identityAuth: TestTpm.KeyAuth).IdKey;
        uint key = _tpm.Send(
            new LoadKey2(), new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = identity }, _tpm.Oiap(TestTpm.WellKnown)).InKeyHandle;
        TestAuth auth = _tpm.Oiap(TestTpm.KeyAuth);
        TestTransport transport = Plain;
        uint closed = _tpm.State.Permanent.Data.AuditMonotonicCounter;
        var close = new GetAuditDigestSignedRequest { KeyHandle = key, CloseAudit = true };
        GetAuditDigestSignedResponse response = _tpm.ExecuteWrapped(transport, new GetAuditDigestSigned(), close, default, auth);
        Assert.Equal(closed, response.CounterValue.Counter);
        Assert.Equal(closed + 1, _tpm.State.Permanent.Data.AuditMonotonicCounter);
        byte[] h2 = SHA1.HashData((byte[])[0, 0, 0, 0, 0, 0, 0, 0x86, .. WireFormat.ToBytes(response)]);
        Assert.Equal(Audited(default, 0x13, h2), _tpm.State.StAnyData.AuditDigest);
    }

    private TestTransport Open(in TpmTransportPublic transPublic) => _tpm.EstablishTransport(transPublic, TpmKeyHandle.Srk, TestTpm.WellKnown);

    private (TpmResult Outer, TpmResult Inner) PcrRead(TestTransport transport) =>
        _tpm.TryExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 0 }, out _);

    /// <summary>The code of TPM_ExecuteTransport around any bytes.</summary>
    private TpmResult Outer(TestTransport transport, byte[] wrapped)
    {
        transport.Wrap([0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 0x50], 0, default, _tpm.NewNonce());
        return TestTpm.ResultOf(_tpm.Execute(transport.Authorize(wrapped)));
    }

    private TpmDigest KeysHash(params ReadOnlySpan<uint> handles)
    {
        byte[] digests = [];
        foreach (uint handle in handles)
        {
            LoadedKey key = _tpm.State.Keys.Find(handle) ?? _tpm.State.Permanent.Data.Srk!;
            byte[] modulus = key.Key.PubKey.Key.ToArray();
            digests = [.. digests, .. SHA1.HashData((byte[])[.. TestTpm.BigEndian((uint)modulus.Length), .. modulus])];
        }

        return new TpmDigest(SHA1.HashData(digests));
    }

    private void Audit(TpmOrdinal ordinal) =>
        _tpm.Send(new SetOrdinalAuditStatus(), new SetOrdinalAuditStatusRequest { OrdinalToAudit = ordinal, AuditState = true }, _tpm.AsOwner());

    private TpmDigest Audited(TpmDigest auditDigest, byte tag, byte[] parms) => new(SHA1.HashData(
        (byte[])[.. auditDigest.ReadOnlySpan, 0, tag, .. parms, 0, 0x0E, 0, 0, 0, 0, .. TestTpm.BigEndian(_tpm.State.Permanent.Data.AuditMonotonicCounter)]));
}
