using System.Security.Cryptography;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Deprecated;

public class ChangeAuthAsymTests
{
    private static readonly byte[] IdAuth = SHA1.HashData("identity"u8);
    private static readonly byte[] OldAuth = SHA1.HashData("old"u8);
    private static readonly byte[] NewAuth = SHA1.HashData("new"u8);
    private static readonly byte[] N1 = SHA1.HashData("n1"u8);

    private readonly TestTpm _tpm = new();
    private readonly TpmKey _identity;
    private readonly uint _idHandle;

    public ChangeAuthAsymTests()
    {
        _tpm.TakeOwnership();
        _identity = _tpm.MakeIdentity(identityAuth: IdAuth).IdKey;
        _idHandle = _tpm.LoadKey2(_identity);
    }

    [Fact]
    public void ChangeAuthAsymStart_Action1_WrongSecretOfTheIdentity_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOfStart(StartRequest(), _tpm.Oiap(OldAuth)));

    [Fact]
    public void ChangeAuthAsymStart_Action1_NoSession_DependsOnTheIdentity()
    {
        Assert.Equal(TpmResult.AuthFail, ResultOfStart(StartRequest()));
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Identity) with { AuthDataUsage = TpmAuthDataUsage.Never };
        uint open = _tpm.LoadKey2(_tpm.MakeIdentity(info).IdKey);
        Assert.Equal(TpmResult.Success, ResultOfStart(StartRequest() with { IdHandle = open }));
    }

    [Theory]
    [InlineData(TpmKeyUsage.Signing)]
    [InlineData(TpmKeyUsage.Storage)]
    public void ChangeAuthAsymStart_Action1_NoIdentityKey_InvalidKeyUsage(TpmKeyUsage usage)
    {
        uint key = _tpm.NewKey(TestTpm.KeyInfo(usage), IdAuth);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOfStart(StartRequest() with { IdHandle = key }, _tpm.Oiap(IdAuth)));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    public void ChangeAuthAsymStart_Actions3And4_RsaFrom512Bits_IsMade(int keyLength)
    {
        ChangeAuthAsymStartResponse response = Start(keyLength);
        Assert.Equal(keyLength / 8, response.TempKey.PubKey.Key.Length);
    }

    [Theory]
    [InlineData(504, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None)]
    [InlineData(0, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None)]
    [InlineData(2056, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None)]
    [InlineData(4096, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None)]
    [InlineData(-16, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.None)]
    [InlineData(1024, TpmEncScheme.RsaesPkcsV15, TpmSigScheme.None)]
    [InlineData(1024, TpmEncScheme.None, TpmSigScheme.None)]
    [InlineData(1024, TpmEncScheme.RsaesOaepSha1Mgf1, TpmSigScheme.RsaSsaPkcs1V15Sha1)]
    public void ChangeAuthAsymStart_Actions2And6_KeyThatIsNotMadeHere_BadKeyProperty(int keyLength, TpmEncScheme enc, TpmSigScheme sig)
    {
        ChangeAuthAsymStartRequest request = StartRequest() with { TempKey = TestTpm.RsaParms(keyLength, enc, sig) };
        Assert.Equal(TpmResult.BadKeyProperty, ResultOfStart(request, _tpm.Oiap(IdAuth)));
    }

    [Fact]
    public void ChangeAuthAsymStart_Action6_OtherAlgorithmOrExponent_BadKeyProperty()
    {
        ChangeAuthAsymStartRequest request = StartRequest();
        request.TempKey.AlgorithmId = TpmAlgorithmId.Aes128;
        Assert.Equal(TpmResult.BadKeyProperty, ResultOfStart(request, _tpm.Oiap(IdAuth)));
        request.TempKey = TestTpm.RsaParms(1024, TpmEncScheme.RsaesOaepSha1Mgf1, exponent: [3]);
        Assert.Equal(TpmResult.BadKeyProperty, ResultOfStart(request, _tpm.Oiap(IdAuth)));
    }

    [Fact]
    public void ChangeAuthAsymStart_Fips_ShortKeyIsNotMade()
    {
        _tpm.SetPermanentFlags(flags => flags with { Fips = true });
        Assert.Equal(TpmResult.NotFips, ResultOfStart(StartRequest(1008), _tpm.Oiap(IdAuth)));
        Assert.Equal(TpmResult.Success, ResultOfStart(StartRequest(1024), _tpm.Oiap(IdAuth)));
    }

    [Fact]
    public void ChangeAuthAsymStart_Action7_Handle_IsThatOfAKeyInASlot()
    {
        uint before = _tpm.GetProperty(TpmCapabilityProperty.Keys);
        uint handle = Start().EphHandle;
        Assert.Equal(TpmKeyUsage.AuthChange, _tpm.State.Keys.Find(handle)!.Usage);
        Assert.Equal(before - 1, _tpm.GetProperty(TpmCapabilityProperty.Keys));
        _tpm.PowerCycle();
        Assert.Null(_tpm.State.Keys.Find(handle));
    }

    [Fact]
    public void ChangeAuthAsymStart_Action7_NoSlotLeft_NoSpace()
    {
        var full = new TestTpm(TpmProfile.Xen with { KeySlots = 1 });
        full.TakeOwnership();
        uint identity = full.LoadKey2(full.MakeIdentity(identityAuth: IdAuth).IdKey);
        ChangeAuthAsymStartRequest request = StartRequest() with { IdHandle = identity };
        Assert.Equal(TpmResult.NoSpace, full.ResultOf(new ChangeAuthAsymStart(), request, full.Oiap(IdAuth)));
    }

    [Fact]
    public void ChangeAuthAsymStart_Action8_TempKey_IsAVolatileKeyWithoutEncData()
    {
        ChangeAuthAsymStartResponse response = Start();
        byte[] expected =
        [
            1, 1, 0, 0, 0, 0x13, 0, 0, 0, 4, 0, .. WireFormat.ToBytes(StartRequest().TempKey), 0, 0, 0, 0,
            0, 0, 0, 128, .. response.TempKey.PubKey.Key.Span, 0, 0, 0, 0,
        ];
        Assert.Equal(expected, WireFormat.ToBytes(response.TempKey));
    }

    [Fact]
    public void ChangeAuthAsymStart_Actions9And10_CertifyInfo_IsSignedByTheIdentity()
    {
        ChangeAuthAsymStartRequest request = StartRequest() with { AntiReplay = new TpmNonce(N1) };
        ChangeAuthAsymStartResponse response = _tpm.Send(new ChangeAuthAsymStart(), request, _tpm.Oiap(IdAuth));
        byte[] expected =
        [
            1, 1, 0, 0, 0, 0x13, 0, 0, 0, 4, 0, .. WireFormat.ToBytes(request.TempKey), .. SHA1.HashData(response.TempKey.PubKey.Key.Span), .. N1, 0, 0, 0, 0, 0,
        ];
        Assert.Equal(expected, WireFormat.ToBytes(response.CertifyInfo));
        Witness.VerifySignature(_identity.PubKey.Key, SHA1.HashData(expected), response.Sig);
    }

    /// <summary>Only TPM_ChangeAuthAsymFinish finds a use for the ephemeral key.</summary>
    [Fact]
    public void ChangeAuthAsymStart_EphemeralKey_IsOfNoUseElsewhere()
    {
        ChangeAuthAsymStartResponse start = Start();
        uint handle = start.EphHandle;
        byte[] bound = Witness.EncryptOaep(start.TempKey.PubKey.Key, [1, 1, 0, 0, 2, .. "secret"u8]);
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new UnBind(), new UnBindRequest { KeyHandle = handle, InData = bound }));
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new Sign(), new SignRequest { KeyHandle = handle, AreaToSign = new byte[20] }));
        var load = new LoadKey2Request { ParentHandle = handle, InKey = _tpm.Wrap(TpmKeyUsage.Signing, OldAuth) };
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new LoadKey2(), load));
        load = new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = start.TempKey };
        Assert.Equal(TpmResult.InvalidKeyUsage, _tpm.ResultOf(new LoadKey2(), load, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action1_WrongSecretOfTheParent_AuthFail()
    {
        uint parent = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage), IdAuth);
        Assert.Equal(TpmResult.AuthFail, ResultOfFinish(Request(Start(), encData: Key(parent)) with { ParentHandle = parent }, _tpm.Oiap(OldAuth)));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action1_NoSession_DependsOnTheParent()
    {
        ChangeAuthAsymStartResponse start = Start();
        Assert.Equal(TpmResult.AuthFail, ResultOfFinish(Request(start)));
        uint open = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { AuthDataUsage = TpmAuthDataUsage.Never });
        Assert.Equal(TpmResult.Success, ResultOfFinish(Request(start, encData: Key(open)) with { ParentHandle = open }));
    }

    /// <summary>"If the parentHandle points to the SRK then the HMAC key MUST be built using the TPM Owner authentication."</summary>
    [Fact]
    public void ChangeAuthAsymFinish_Description_OfTheSrk_TheOwnerAuthorizes()
    {
        ChangeAuthAsymStartResponse start = Start();
        Assert.Equal(TpmResult.AuthFail, ResultOfFinish(Request(start), _tpm.Oiap(TestTpm.WellKnown)));
        Assert.Equal(TpmResult.AuthFail, ResultOfFinish(Request(start), _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown)));
        Assert.Equal(TpmResult.Success, ResultOfFinish(Request(start), _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.Success, ResultOfFinish(Request(Start()), _tpm.AsOwner()));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action1_SrkBoundToOtherPcrs_WrongPcrVal()
    {
        ChangeAuthAsymFinishRequest request = Request(Start());
        byte[] pcrInfo = [0, 2, 1, 0, .. OldAuth, .. new byte[20]];
        PcrBinding.Read(pcrInfo, false, out PcrBinding binding);
        PermanentState permanent = _tpm.State.Permanent;
        LoadedKey srk = permanent.Data.Srk! with { Key = permanent.Data.Srk!.Key with { PcrInfo = pcrInfo }, Binding = binding };
        _tpm.State = _tpm.State with { Permanent = permanent with { Data = permanent.Data with { Srk = srk } } };
        Assert.Equal(TpmResult.WrongPcrVal, ResultOfFinish(request, _tpm.AsOwner()));
    }

    [Theory]
    [InlineData((ushort)TpmEntityType.Srk)]
    [InlineData((ushort)TpmEntityType.KeyHandle)]
    [InlineData((ushort)0)]
    public void ChangeAuthAsymFinish_Action2_OtherEntity_WrongEntityType(ushort entityType) =>
        Assert.Equal(TpmResult.WrongEntityType, ResultOfFinish(Request(Start()) with { EntityType = entityType }, _tpm.AsOwner()));

    [Fact]
    public void ChangeAuthAsymFinish_ParentThatIsNoStorageKey_InvalidKeyUsage()
    {
        uint bind = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Bind), IdAuth);
        Assert.Equal(TpmResult.InvalidKeyUsage, ResultOfFinish(Request(Start()) with { ParentHandle = bind }, _tpm.Oiap(IdAuth)));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action3_NotOfTheParent_DecryptError() =>
        Assert.Equal(TpmResult.DecryptError, ResultOfFinish(Request(Start(), encData: new byte[256]), _tpm.AsOwner()));

    [Fact]
    public void ChangeAuthAsymFinish_Action3_OtherStructure_InvalidStructure() =>
        Assert.Equal(TpmResult.InvalidStructure, ResultOfFinish(Request(Start(), encData: Sealed().EncData), _tpm.AsOwner()));

    [Fact]
    public void ChangeAuthAsymFinish_Action4_NoEphemeralKey_EachItsError()
    {
        ChangeAuthAsymFinishRequest request = Request(Start());
        Assert.Equal(TpmResult.BadParameter, ResultOfFinish(request with { EphHandle = _idHandle }, _tpm.AsOwner()));
        Assert.Equal(TpmResult.BadParameter, ResultOfFinish(request with { EphHandle = TpmKeyHandle.Srk }, _tpm.AsOwner()));
        Assert.Equal(TpmResult.InvalidKeyHandle, ResultOfFinish(request with { EphHandle = 0x01FFFFFF }, _tpm.AsOwner()));
        Assert.Equal(TpmResult.InvalidKeyHandle, ResultOfFinish(request with { EphHandle = TpmKeyHandle.EK }, _tpm.AsOwner()));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action4_NotEncryptedForTheEphemeralKey_DecryptError()
    {
        ChangeAuthAsymStartResponse start = Start();
        ReadOnlyMemory<byte> modulus = start.TempKey.PubKey.Key;
        foreach (byte[] encNewAuth in (byte[][])[[], new byte[128], Witness.EncryptOaep(modulus, NewAuth), Witness.EncryptOaep(modulus, [.. NewAuth, .. N1, 0])])
            Assert.Equal(TpmResult.DecryptError, ResultOfFinish(Request(start) with { EncNewAuth = encNewAuth }, _tpm.AsOwner()));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Actions5And6_LinkOfAnotherSecret_AuthFailThatIsCounted()
    {
        ChangeAuthAsymFinishRequest request = Request(Start()) with { NewAuthLink = new TpmDigest(HMACSHA1.HashData(IdAuth, NewAuth)) };
        Assert.Equal(TpmResult.AuthFail, ResultOfFinish(request, _tpm.AsOwner()));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(TpmKeyUsage.AuthChange, _tpm.State.Keys.Find(request.EphHandle)!.Usage);
    }

    /// <summary>Where no session is compared, the link still is, and not while the TPM defends itself.</summary>
    [Fact]
    public void ChangeAuthAsymFinish_Action6_LockedOut_IsNotCompared()
    {
        uint open = _tpm.NewKey(TestTpm.KeyInfo(TpmKeyUsage.Storage) with { AuthDataUsage = TpmAuthDataUsage.Never });
        ChangeAuthAsymFinishRequest right = Request(Start(), encData: Key(open)) with { ParentHandle = open };
        ChangeAuthAsymFinishRequest wrong = right with { NewAuthLink = TpmDigest.AllOnes };
        TpmResult result = TpmResult.AuthFail;
        for (int guess = 0; guess < 1000 && result == TpmResult.AuthFail; guess++) result = ResultOfFinish(wrong);
        Assert.Equal(TpmResult.DefendLockRunning, result);
        Assert.Equal(TpmResult.DefendLockRunning, ResultOfFinish(right));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Actions7And8_Key_OnlyItsUsageSecretIsAnother()
    {
        ReadOnlyMemory<byte> encData = Key();
        ChangeAuthAsymFinishResponse response = _tpm.Send(new ChangeAuthAsymFinish(), Request(Start(), encData: encData), _tpm.AsOwner());
        ReadOnlyMemory<byte> srk = _tpm.State.Permanent.Data.Srk!.Key.PubKey.Key;
        byte[] before = Witness.DecryptOaep(srk, encData);
        Assert.Equal(OldAuth, before[1..21]);
        Assert.Equal([before[0], .. NewAuth, .. before[21..]], Witness.DecryptOaep(srk, response.OutData));
    }

    [Fact]
    public void ChangeAuthAsymFinish_Actions7And8_SealedData_UnsealsWithNewSecretOnly()
    {
        TpmStoredData blob = Sealed();
        ChangeAuthAsymFinishRequest request = Request(Start(), TpmEntityType.Data, blob.EncData);
        blob.EncData = _tpm.Send(new ChangeAuthAsymFinish(), request, _tpm.AsOwner()).OutData;
        var unseal = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob };
        Assert.Equal(TpmResult.Auth2Fail, _tpm.ResultOf(new Unseal(), unseal, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(OldAuth)));
        Assert.Equal("a secret"u8, _tpm.Send(new Unseal(), unseal, _tpm.Oiap(TestTpm.WellKnown), _tpm.Oiap(NewAuth)).Secret.Span);
    }

    [Fact]
    public void ChangeAuthAsymFinish_Actions9And10_ChangeProof_IsAnHmacOfTheNewSecret()
    {
        ChangeAuthAsymFinishResponse first = _tpm.Send(new ChangeAuthAsymFinish(), Request(Start()), _tpm.AsOwner());
        ChangeAuthAsymFinishResponse second = _tpm.Send(new ChangeAuthAsymFinish(), Request(Start()), _tpm.AsOwner());
        Assert.NotEqual(first.SaltNonce, second.SaltNonce);
        Assert.Equal(HMACSHA1.HashData(NewAuth, (byte[])[.. first.SaltNonce.ReadOnlySpan, .. N1]), first.ChangeProof.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void ChangeAuthAsymFinish_Action11_EphemeralKey_IsGone()
    {
        ChangeAuthAsymFinishRequest request = Request(Start());
        TestAuth ofEphemeral = _tpm.Osap(TpmEntityType.KeyHandle, request.EphHandle, TestTpm.WellKnown);
        _tpm.Send(new ChangeAuthAsymFinish(), request, _tpm.AsOwner());
        Assert.Null(_tpm.State.Keys.Find(request.EphHandle));
        Assert.Null(_tpm.State.Sessions.Find(ofEphemeral.Handle));
        Assert.Equal(TpmResult.InvalidKeyHandle, ResultOfFinish(request, _tpm.AsOwner()));
    }

    private ChangeAuthAsymStartResponse Start(int keyLength = 1024) => _tpm.Send(new ChangeAuthAsymStart(), StartRequest(keyLength), _tpm.Oiap(IdAuth));

    private ChangeAuthAsymStartRequest StartRequest(int keyLength = 1024) =>
        new() { IdHandle = _idHandle, TempKey = TestTpm.RsaParms(keyLength, TpmEncScheme.RsaesOaepSha1Mgf1) };

    private TpmResult ResultOfStart(ChangeAuthAsymStartRequest request, params TestAuth[] auths) => _tpm.ResultOf(new ChangeAuthAsymStart(), request, auths);

    private TpmResult ResultOfFinish(ChangeAuthAsymFinishRequest request, params TestAuth[] auths) => _tpm.ResultOf(new ChangeAuthAsymFinish(), request, auths);

    /// <summary>A change from the old secret to the new one, of a key of the SRK unless told otherwise.</summary>
    private ChangeAuthAsymFinishRequest Request(
        ChangeAuthAsymStartResponse start, TpmEntityType type = TpmEntityType.Key, ReadOnlyMemory<byte>? encData = null) => new()
        {
            ParentHandle = TpmKeyHandle.Srk,
            EphHandle = start.EphHandle,
            EntityType = (ushort)type,
            NewAuthLink = new TpmDigest(HMACSHA1.HashData(OldAuth, NewAuth)),
            EncNewAuth = Witness.EncryptOaep(start.TempKey.PubKey.Key, [.. NewAuth, .. N1]),
            EncData = encData ?? Key(),
        };

    /// <summary>encData of a key of the old secret.</summary>
    private ReadOnlyMemory<byte> Key(uint parent = TpmKeyHandle.Srk) =>
        _tpm.CreateWrapKey(TestTpm.KeyInfo(TpmKeyUsage.Signing), OldAuth, parent: parent, parentAuth: ParentAuth(parent)).EncData;

    private byte[] ParentAuth(uint parent) =>
        parent == TpmKeyHandle.Srk ? TestTpm.WellKnown : _tpm.State.Keys.Find(parent)!.UsageAuth.Span.ToArray();

    private TpmStoredData Sealed()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, OldAuth), InData = "a secret"u8.ToArray() };
        return _tpm.Send(new Seal(), request, osap).SealedData;
    }
}
