using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Deprecated;

/// <summary>TPM_EvictKey, TPM_Terminate_Handle, TPM_Reset, and the context commands of TPM 1.1.</summary>
public class ResourceCommandsTests
{
    private readonly TestTpm _tpm = new();
    private readonly uint _key;

    public ResourceCommandsTests()
    {
        _tpm.TakeOwnership();
        _key = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
    }

    [Fact]
    public void EvictKey_KeyInASlot_TakesItsSessionsAlong()
    {
        _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth);
        Assert.Equal(TpmResult.Success, Evict(_key));
        Assert.Equal(0, _tpm.State.Sessions.Count);
        Assert.Equal(TpmResult.InvalidKeyHandle, Evict(_key));
        Assert.Equal(TpmResult.InvalidKeyHandle, Evict(TpmKeyHandle.Srk));
    }

    [Fact]
    public void TerminateHandle_Session_IsGone()
    {
        uint session = _tpm.Oiap(TestTpm.KeyAuth).Handle;
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new TerminateHandle(), new TerminateHandleRequest { Handle = session }));
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new TerminateHandle(), new TerminateHandleRequest { Handle = session }));
    }

    [Fact]
    public void TerminateHandle_Action1_ContinueFalse_SessionEndsByItself()
    {
        UseKey(_tpm.Oiap(TestTpm.KeyAuth));
        _tpm.Send(new DisableOwnerClear(), default, _tpm.Oiap(TestTpm.OwnerAuth));
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void TerminateHandle_Action2_SecretUsedToEncrypt_SessionEndsByItself()
    {
        TestAuth auth = _tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth, goesOn: true);
        var request = new SealRequest { KeyHandle = _key, EncAuth = TestTpm.EncryptAuth(auth, TestTpm.KeyAuth), InData = new byte[1] };
        _tpm.Send(new Seal(), request, auth);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void TerminateHandle_Action3_OwnerAndSrkCleared_SessionsEndByThemselves()
    {
        _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth, goesOn: true);
        _tpm.Osap(TpmEntityType.Srk, 0, TestTpm.WellKnown, goesOn: true);
        _tpm.AssertPresence();
        _tpm.Send(new ForceClear(), default);
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void TerminateHandle_Action4_Init_SessionsEndByThemselves()
    {
        _tpm.Oiap(TestTpm.KeyAuth, goesOn: true);
        _tpm.PowerCycle();
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void TerminateHandle_Action5_CommandFails_SessionEndsByItself()
    {
        TestAuth auth = _tpm.Oiap(TestTpm.KeyAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, UseKey(auth));
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void TerminateHandle_Action6_WrongSecret_SessionEndsByItself()
    {
        Assert.Equal(TpmResult.AuthFail, UseKey(_tpm.Oiap(TestTpm.WellKnown, goesOn: true)));
        Assert.Equal(0, _tpm.State.Sessions.Count);
    }

    [Fact]
    public void SaveKeyContext_Key_LeavesItsSlotAndComesBack()
    {
        byte[] blob = SaveKey();
        Assert.Equal(0, _tpm.State.Keys.Count);
        Assert.Equal(_key, _tpm.Send(new LoadKeyContext(), new LoadBlobRequest { ContextBlob = blob }).Handle);
        Assert.Equal(TpmResult.Success, UseKey(_tpm.Oiap(TestTpm.KeyAuth)));
    }

    [Fact]
    public void SaveKeyContext_PowerInterrupted_BadContext()
    {
        byte[] blob = SaveKey();
        _tpm.PowerCycle();
        Assert.Equal(TpmResult.BadContext, LoadKey(blob));
        Assert.Equal(TpmResult.BadContext, _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob }));
    }

    [Fact]
    public void SaveKeyContext_HandleOfNoSlot_InvalidKeyHandle() =>
        Assert.Equal(TpmResult.InvalidKeyHandle, _tpm.ResultOf(new SaveKeyContext(), new SaveKeyContextRequest { KeyHandle = TpmKeyHandle.Srk }));

    [Fact]
    public void SaveAuthContext_Oiap_ComesBackOnce()
    {
        TestAuth auth = _tpm.Oiap(TestTpm.KeyAuth);
        byte[] blob = SaveAuth(auth);
        Assert.Equal(TpmResult.InvalidAuthHandle, _tpm.ResultOf(new SaveAuthContext(), new SaveAuthContextRequest { AuthHandle = auth.Handle }));
        Assert.Equal(auth.Handle, _tpm.Send(new LoadAuthContext(), new LoadBlobRequest { ContextBlob = blob }).Handle);
        Assert.Equal(TpmResult.BadContext, LoadAuth(blob));
        Assert.Equal(TpmResult.Success, UseKey(auth));
    }

    [Fact]
    public void SaveAuthContext_Osap_WantsItsKey()
    {
        byte[] blob = SaveAuth(_tpm.Osap(TpmEntityType.KeyHandle, _key, TestTpm.KeyAuth));
        Evict(_key);
        Assert.Equal(TpmResult.ResourceMissing, LoadAuth(blob));
    }

    [Fact]
    public void LoadAuthContext_ContextOfAKey_BadContext()
    {
        byte[] blob = SaveKey();
        Assert.Equal(TpmResult.BadContext, LoadAuth(blob));
        Assert.Equal(TpmResult.BadContext, LoadKey(SaveAuth(_tpm.Oiap(TestTpm.KeyAuth))));
        Assert.Equal(TpmResult.BadContext, LoadKey(new byte[3]));
    }

    [Fact]
    public void Reset_Actions1bAnd1cAnd4_OpenSessions_AreGoneAndKeysAreNot()
    {
        _tpm.Oiap(TestTpm.KeyAuth);
        _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth);
        _tpm.AddFamily(1);
        TpmDelegatePublic delegation = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear);
        _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(delegation)));
        _tpm.Send(new Reset(), default);
        Assert.Equal(0, _tpm.State.Sessions.Count);
        Assert.NotNull(_tpm.State.Keys.Find(_key));
    }

    [Fact]
    public void Reset_Actions2And3_PcrsDirAndFlags_StayAsTheyAre()
    {
        _tpm.AssertPresence();
        _tpm.Send(new DirWriteAuth(), new DirWriteAuthRequest { NewContents = TpmDigest.AllOnes }, _tpm.AsOwner());
        _tpm.State = _tpm.State with { Pcrs = _tpm.State.Pcrs.Extend(4, TpmDigest.AllOnes) };
        TpmState before = _tpm.State;
        _tpm.Send(new Reset(), default);
        Assert.Same(before.Pcrs, _tpm.State.Pcrs);
        Assert.Same(before.Permanent, _tpm.State.Permanent);
        Assert.Equal(before.StClearFlags, _tpm.State.StClearFlags);
    }

    [Fact]
    public void Reset_Action1a_ContextsOf11_AreWorthNothing()
    {
        byte[] auth = SaveAuth(_tpm.Oiap(TestTpm.KeyAuth));
        byte[] key = SaveKey();
        _tpm.Send(new Reset(), default);
        Assert.Equal(TpmResult.BadContext, LoadAuth(auth));
        Assert.Equal(TpmResult.BadContext, LoadKey(key));
        Assert.Empty(_tpm.State.StAnyData.ContextList);
    }

    [Fact]
    public void Reset_Action1d_ContextsOf12_StayGood()
    {
        var save = new SaveContextRequest { Handle = _tpm.Oiap(TestTpm.KeyAuth).Handle, ResourceType = TpmResourceType.Auth };
        byte[] auth = _tpm.Send(new SaveContext(), save).ContextBlob.ToArray();
        byte[] key = _tpm.Send(new SaveContext(), new SaveContextRequest { Handle = _key, ResourceType = TpmResourceType.Key }).ContextBlob.ToArray();
        SaveAuth(_tpm.Oiap(TestTpm.KeyAuth));
        _tpm.Send(new Reset(), default);
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = auth }));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = key }));
    }

    private TpmResult Evict(uint handle) => _tpm.ResultOf(new EvictKey(), new EvictKeyRequest { EvictHandle = handle });

    private byte[] SaveKey() => _tpm.Send(new SaveKeyContext(), new SaveKeyContextRequest { KeyHandle = _key }).ContextBlob.ToArray();

    private byte[] SaveAuth(TestAuth auth) =>
        _tpm.Send(new SaveAuthContext(), new SaveAuthContextRequest { AuthHandle = auth.Handle }).ContextBlob.ToArray();

    private TpmResult LoadKey(byte[] blob) => _tpm.ResultOf(new LoadKeyContext(), new LoadBlobRequest { ContextBlob = blob });

    private TpmResult LoadAuth(byte[] blob) => _tpm.ResultOf(new LoadAuthContext(), new LoadBlobRequest { ContextBlob = blob });

    /// <summary>Success when the session authorizes the key: what is asked then fails, being wrapped for the SRK.</summary>
    private TpmResult UseKey(TestAuth auth)
    {
        var request = new LoadKey2Request { ParentHandle = _key, InKey = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth) };
        TpmResult result = _tpm.ResultOf(new LoadKey2(), request, auth);
        return result == TpmResult.DecryptError ? TpmResult.Success : result;
    }
}
