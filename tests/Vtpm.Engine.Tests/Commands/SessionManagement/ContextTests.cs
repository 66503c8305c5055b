using System.Security.Cryptography;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.SessionManagement;

/// <summary>TPM_SaveContext and TPM_LoadContext.</summary>
public class ContextTests
{
    private static readonly byte[] Label = "sixteen bytes ok"u8.ToArray();

    private readonly TestTpm _tpm = new(TpmProfile.Xen with { ContextSlots = 16, ContextDistance = 40 });
    private readonly uint _key;

    public ContextTests()
    {
        _tpm.TakeOwnership();
        _key = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
    }

    [Fact]
    public void SaveContextAndLoadContext_Action10_Oiap_ComesBackWithItsHandleAndNonce()
    {
        TestAuth auth = _tpm.Oiap(TestTpm.KeyAuth);
        byte[] blob = Save(auth.Handle, TpmResourceType.Auth);
        Assert.Equal(TpmResult.InvalidAuthHandle, UseKey(auth));
        Assert.Equal(auth.Handle, Load(blob));
        Assert.Equal(TpmResult.Success, UseKey(auth));
    }

    [Fact]
    public void SaveContext_Osap_ComesBackToItsKey()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth);
        byte[] blob = Save(auth.Handle, TpmResourceType.Auth);
        Load(blob, entity: _key);
        Assert.Equal(TpmResult.Success, UseKey(auth));
    }

    [Fact]
    public void SaveContext_Dsap_ComesBackWithItsPermissions()
    {
        _tpm.AddFamily(1);
        TestAuth may = DsapSession(TpmDelegateKeyPermission.LoadKey2);
        TestAuth mayNot = DsapSession(TpmDelegateKeyPermission.Quote);
        byte[] first = Save(may.Handle, TpmResourceType.Auth);
        byte[] second = Save(mayNot.Handle, TpmResourceType.Auth);
        Load(first, entity: _key);
        Load(second, entity: _key);
        Assert.Equal(TpmResult.DisabledCmd, UseKey(mayNot));
        Assert.NotEqual(TpmResult.DisabledCmd, UseKey(may));
    }

    [Fact]
    public void LoadContext_Actions8And10_Key_ComesBackAsOftenAsWanted()
    {
        byte[] blob = Save(_key, TpmResourceType.Key);
        Assert.NotNull(_tpm.State.Keys.Find(_key));
        Flush(_key, TpmResourceType.Key);
        Assert.Equal(_key, Load(blob));
        uint second = Load(blob);
        Assert.NotEqual(_key, second);
        Assert.Equal(TpmResult.Success, UseKey(_tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(TpmResult.Success, UseKey(_tpm.Oiap(TestTpm.KeyAuth), second));
    }

    [Fact]
    public void SaveContext_Action2_HandleOfNothing_InvalidResource()
    {
        Assert.Equal(TpmResult.InvalidResource, ResultOfSave(_key + 1, TpmResourceType.Key));
        Assert.Equal(TpmResult.InvalidResource, ResultOfSave(TpmKeyHandle.Srk, TpmResourceType.Key));
        Assert.Equal(TpmResult.InvalidResource, ResultOfSave(_key, TpmResourceType.Auth));
    }

    [Theory]
    [InlineData(TpmResourceType.Hash)]
    [InlineData(TpmResourceType.Context)]
    [InlineData(TpmResourceType.Counter)]
    [InlineData((TpmResourceType)0x99)]
    public void SaveContext_Action3_OtherResource_InvalidResource(TpmResourceType type) =>
        Assert.Equal(TpmResult.InvalidResource, ResultOfSave(_key, type));

    [Fact]
    public void SaveContext_Actions7To9_Blob_NamesWhatItHoldsAndHidesIt()
    {
        LoadedKey key = _tpm.State.Keys.Find(_key)!;
        byte[] bytes = Save(_key, TpmResourceType.Key);
        Assert.Equal(TpmResult.Success, WireFormat.Read(bytes, out TpmContextBlob blob));
        Assert.Equal((TpmResourceType.Key, _key, 0u), (blob.ResourceType, blob.Handle, blob.ContextCount));
        Assert.Equal(Label, blob.Label.ToArray());
        Assert.Equal(-1, bytes.AsSpan().IndexOf(key.Prime.Span));
        Assert.Equal(-1, bytes.AsSpan().IndexOf(key.UsageAuth.Span));
        TestAuth auth = _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth);
        _ = WireFormat.Read(Save(auth.Handle, TpmResourceType.Auth), out blob);
        Assert.Equal((TpmResourceType.Auth, auth.Handle, 1u), (blob.ResourceType, blob.Handle, blob.ContextCount));
        Assert.Equal(key.PubDataDigest.ReadOnlySpan.ToArray(), blob.AdditionalData[16..].ToArray());
        Assert.Equal(-1, blob.SensitiveData.Span.IndexOf(auth.Key));
    }

    [Fact]
    public void SaveContext_Action4a_Key_TheNonceIsMadeOnceInABoot()
    {
        Assert.Equal(default, _tpm.State.StClearData.ContextNonceKey);
        Save(_key, TpmResourceType.Key);
        TpmNonce nonce = _tpm.State.StClearData.ContextNonceKey;
        Save(_key, TpmResourceType.Key);
        Assert.NotEqual(default, nonce);
        Assert.Equal(nonce, _tpm.State.StClearData.ContextNonceKey);
    }

    [Fact]
    public void SaveContext_Action4a3_KeyThatIsPinned_OwnerControl()
    {
        _tpm.State = _tpm.State with { Keys = _tpm.State.Keys.Replace(_tpm.State.Keys.Find(_key)! with { OwnerEvict = true }) };
        Assert.Equal(TpmResult.OwnerControl, ResultOfSave(_key, TpmResourceType.Key));
    }

    [Fact]
    public void SaveContext_Action4b_Session_TheNonceIsMadeOnceInABoot()
    {
        Assert.Equal(default, _tpm.State.StAnyData.ContextNonceSession);
        Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        TpmNonce nonce = _tpm.State.StAnyData.ContextNonceSession;
        Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        Assert.NotEqual(default, nonce);
        Assert.Equal(nonce, _tpm.State.StAnyData.ContextNonceSession);
    }

    [Fact]
    public void SaveContext_Action10c_Session_IsNotOpenAnyMoreAndAKeyStaysLoaded()
    {
        uint auth = _tpm.Oiap(TestTpm.KeyAuth).Handle;
        Save(auth, TpmResourceType.Auth);
        Save(_key, TpmResourceType.Key);
        Assert.Null(_tpm.State.Sessions.Find(auth));
        Assert.NotNull(_tpm.State.Keys.Find(_key));
    }

    /// <summary>
    /// A witness that has the TPM's secrets: BCL's AES opens the sensitive area, and its HMAC over the blob as it was before the encryption, with a
    /// digest of zeroes, is the integrity digest.
    /// </summary>
    [Fact]
    public void SaveContextAndLoadContext_Actions3And11And12_Blob_IsEncryptedAndSealedByTheTpmsSecrets()
    {
        _ = WireFormat.Read(Save(_key, TpmResourceType.Key), out TpmContextBlob blob);
        byte[] sensitive = Witness.AesCtr(_tpm.State.Permanent.Data.ContextKey.Span, blob.AdditionalData.Span[..16], blob.SensitiveData.Span);
        Assert.Equal([0, 2], sensitive[..2]);
        Assert.Equal(_tpm.State.StClearData.ContextNonceKey.ReadOnlySpan.ToArray(), sensitive[2..22]);
        TpmContextBlob open = blob;
        (open.SensitiveData, open.IntegrityDigest) = (sensitive, default);
        byte[] integrity = HMACSHA1.HashData(_tpm.State.Permanent.Data.TpmProof.Span, WireFormat.ToBytes(open));
        Assert.Equal(integrity, blob.IntegrityDigest.ReadOnlySpan.ToArray());
        Assert.NotEqual(0u, Load(WireFormat.ToBytes(blob)));
    }

    [Fact]
    public void SaveContext_Action10a_CountAtItsEnd_TooManyContexts()
    {
        uint auth = _tpm.Oiap(TestTpm.KeyAuth).Handle;
        _tpm.State = _tpm.State with { StAnyData = _tpm.State.StAnyData with { ContextCount = uint.MaxValue } };
        Assert.Equal(TpmResult.TooManyContexts, ResultOfSave(auth, TpmResourceType.Auth));
    }

    [Fact]
    public void SaveContext_Action10b1_OldestTooFarBehind_ContextGap()
    {
        Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        for (int i = 0; i < 39; i++) Load(Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth), flush: true);
        Assert.Equal(TpmResult.Success, ResultOfSave(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth));
        Assert.Equal(TpmResult.ContextGap, ResultOfSave(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth));
    }

    [Fact]
    public void SaveContext_Action10b2_ListFull_NoContextSpace()
    {
        for (int i = 0; i < 16; i++) Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        Assert.Equal(TpmResult.NoContextSpace, ResultOfSave(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth));
        Assert.Equal(1, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void LoadContext_Action9_Session_LoadsOnlyOnce()
    {
        byte[] blob = Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        Load(blob, flush: true);
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action5a_SessionOfAnEarlierStartup_BadContext()
    {
        byte[] blob = Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
        // Not even when the count happens to be in the list again.
        Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action5a2_KeyNotLoaded_ResourceMissing()
    {
        byte[] blob = Save(_tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        byte[] key = Save(_key, TpmResourceType.Key);
        Flush(_key, TpmResourceType.Key);
        Assert.Equal(TpmResult.ResourceMissing, ResultOfLoad(blob, _key));
        Load(blob, entity: Load(key));
    }

    [Fact]
    public void LoadContext_Action5a2_EntityHandleOfAnotherKey_BadHandle()
    {
        uint other = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        byte[] blob = Save(_tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        Assert.Equal(TpmResult.BadHandle, ResultOfLoad(blob, other));
        Assert.Equal(TpmResult.BadHandle, ResultOfLoad(blob, 0x01ABCDEF));
        Load(blob, entity: _key);
    }

    [Fact]
    public void LoadContext_Action5a2_OwnerWithAnotherSecret_ResourceMissing()
    {
        byte[] blob = Save(_tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth).Handle, TpmResourceType.Auth);
        PermanentState permanent = _tpm.State.Permanent;
        _tpm.State = _tpm.State with { Permanent = permanent with { Data = permanent.Data with { OwnerAuth = new Secret(SHA1.HashData("other"u8)) } } };
        Assert.Equal(TpmResult.ResourceMissing, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action5a2_SessionOfACounter_WantsTheCounter()
    {
        uint counter = _tpm.CreateCounter().CountId;
        byte[] first = Save(_tpm.Osap(TpmEntityType.Counter, counter, TestTpm.CounterAuth).Handle, TpmResourceType.Auth);
        byte[] second = Save(_tpm.Osap(TpmEntityType.Counter, counter, TestTpm.CounterAuth).Handle, TpmResourceType.Auth);
        Load(first);
        _tpm.Send(new ReleaseCounterOwner(), new CounterRequest { CountId = counter }, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.ResourceMissing, ResultOfLoad(second));
    }

    [Fact]
    public void LoadContext_Action5a2_SessionOfAnNvArea_WantsTheSecretItHad()
    {
        _tpm.DefineNv(TestTpm.NvPublic(TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite));
        byte[] first = Save(_tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex, TestTpm.NvAuth).Handle, TpmResourceType.Auth);
        byte[] second = Save(_tpm.Osap(TpmEntityType.Nv, TestTpm.NvIndex, TestTpm.NvAuth).Handle, TpmResourceType.Auth);
        Load(first);
        PermanentState permanent = _tpm.State.Permanent;
        NvStorage redefined = permanent.Nv.With(permanent.Nv.Find(TestTpm.NvIndex)! with { Auth = new Secret(TestTpm.KeyAuth) });
        _tpm.State = _tpm.State with { Permanent = permanent with { Nv = redefined } };
        Assert.Equal(TpmResult.ResourceMissing, ResultOfLoad(second));
    }

    [Fact]
    public void LoadContext_Action5b_LastingKey_ComesBackAfterAStartup()
    {
        byte[] blob = Save(_key, TpmResourceType.Key);
        _tpm.PowerCycle();
        Load(blob);
        Assert.Equal(TpmResult.Success, UseKey(_tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Fact]
    public void LoadContext_Action5b_VolatileKey_BadContextAfterAStartup()
    {
        byte[] blob = Save(_tpm.LoadWrapped(TpmKeyUsage.Signing, flags: TpmKeyFlags.Migratable | TpmKeyFlags.IsVolatile), TpmResourceType.Key);
        Load(blob);
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action5b_KeyUnderPcrs_BadContextAfterAStartup()
    {
        LoadedKey key = _tpm.State.Keys.Find(_key)!;
        _tpm.State = _tpm.State with { Keys = _tpm.State.Keys.Replace(key with { ParentPcrStatus = true }) };
        byte[] blob = Save(_key, TpmResourceType.Key);
        uint copy = Load(blob);
        Assert.True(_tpm.State.Keys.Find(copy)!.ParentPcrStatus);
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    /// <summary>Part 1 §21 rule 10.</summary>
    [Fact]
    public void LoadContext_VolatileKeyAfterAFailure_BadContextEvenWhereTheStateWasSaved()
    {
        byte[] blob = Save(_tpm.LoadWrapped(TpmKeyUsage.Signing, flags: TpmKeyFlags.Migratable | TpmKeyFlags.IsVolatile), TpmResourceType.Key);
        _tpm.Send(new Engine.Commands.Startup.SaveState(), default);
        TpmState saved = _tpm.State;
        _tpm.PowerCycle(TpmStartupType.State);
        Load(blob);
        _tpm.State = saved.InFailureMode(FailureCause.Defect);
        var error = Assert.Throws<TpmErrorException>(() => _tpm.PowerCycle(TpmStartupType.State));
        Assert.Equal(TpmResult.FailedSelfTest, error.Result);
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action6_AnyByteChanged_BadContext()
    {
        byte[] blob = Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        for (int i = 0; i < blob.Length; i++)
        {
            blob[i] ^= 0x40;
            Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
            blob[i] ^= 0x40;
        }

        Load(blob);
    }

    [Fact]
    public void LoadContext_Action6_AfterAnotherTpmProof_BadContext()
    {
        byte[] blob = Save(_key, TpmResourceType.Key);
        PermanentState permanent = _tpm.State.Permanent;
        _tpm.State = _tpm.State with { Permanent = permanent with { Data = permanent.Data with { TpmProof = new Secret(new byte[20]) } } };
        Assert.Equal(TpmResult.BadContext, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_Action7_HandleTaken_BadHandleWhenItMustBeKept()
    {
        byte[] blob = Save(_key, TpmResourceType.Key);
        var request = new LoadContextRequest { KeepHandle = true, ContextBlob = blob };
        Assert.Equal(TpmResult.BadHandle, _tpm.ResultOf(new LoadContext(), request));
        Flush(_key, TpmResourceType.Key);
        Assert.Equal(_key, _tpm.Send(new LoadContext(), request).Handle);
        TestAuth auth = _tpm.Oiap(TestTpm.KeyAuth);
        request.ContextBlob = Save(auth.Handle, TpmResourceType.Auth);
        _tpm.Oiap(TestTpm.KeyAuth);
        _tpm.State = _tpm.State with { Sessions = _tpm.State.Sessions.Add(_tpm.State.Sessions.Items[0] with { Handle = auth.Handle }) };
        Assert.Equal(TpmResult.BadHandle, _tpm.ResultOf(new LoadContext(), request));
    }

    [Fact]
    public void LoadContext_NoSlotFree_NoSpace()
    {
        byte[] blob = Save(_key, TpmResourceType.Key);
        while (_tpm.State.Keys.Count < TpmProfile.Xen.KeySlots) Load(blob);
        Assert.Equal(TpmResult.NoSpace, ResultOfLoad(blob));
    }

    [Fact]
    public void LoadContext_NoSessionFree_ResourcesAndTheBlobStaysGood()
    {
        byte[] blob = Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, TpmResourceType.Auth);
        while (_tpm.State.Sessions.Count < TpmProfile.Xen.AuthSessions) _tpm.Oiap(TestTpm.KeyAuth);
        Assert.Equal(TpmResult.Resources, ResultOfLoad(blob));
        Flush(_tpm.State.Sessions.Items[0].Handle, TpmResourceType.Auth);
        Load(blob);
    }

    private TestAuth DsapSession(TpmDelegateKeyPermission permissions) =>
        _tpm.Dsap(TpmEntityType.DelegateKeyBlob, WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(permissions), _key)), _key);

    private byte[] Save(uint handle, TpmResourceType type) =>
        _tpm.Send(new SaveContext(), new SaveContextRequest { Handle = handle, ResourceType = type, Label = Label }).ContextBlob.ToArray();

    private TpmResult ResultOfSave(uint handle, TpmResourceType type) =>
        _tpm.ResultOf(new SaveContext(), new SaveContextRequest { Handle = handle, ResourceType = type });

    private uint Load(byte[] blob, uint entity = 0, bool flush = false)
    {
        uint handle = _tpm.Send(new LoadContext(), new LoadContextRequest { EntityHandle = entity, ContextBlob = blob }).Handle;
        if (flush) Flush(handle, TpmResourceType.Auth);
        return handle;
    }

    private TpmResult ResultOfLoad(byte[] blob, uint entity = 0) => _tpm.ResultOf(new LoadContext(), new LoadContextRequest { EntityHandle = entity, ContextBlob = blob });

    private void Flush(uint handle, TpmResourceType type) =>
        _tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = handle, ResourceType = type });

    /// <summary>Success when the session authorizes the key: what is asked then fails, being wrapped for the SRK.</summary>
    private TpmResult UseKey(TestAuth auth, uint? key = null)
    {
        var request = new LoadKey2Request { ParentHandle = key ?? _key, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };
        TpmResult result = _tpm.ResultOf(new LoadKey2(), request, auth);
        return result == TpmResult.DecryptError ? TpmResult.Success : result;
    }
}
