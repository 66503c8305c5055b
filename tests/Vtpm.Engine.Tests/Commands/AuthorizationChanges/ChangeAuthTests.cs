using System.Security.Cryptography;
using Vtpm.Engine.Commands.AuthorizationChanges;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.AuthorizationChanges;

public class ChangeAuthTests
{
    private static readonly byte[] OldAuth = SHA1.HashData("old"u8);
    private static readonly byte[] NewAuth = SHA1.HashData("new"u8);

    [Fact]
    public void ChangeAuth_Actions6And11To13_SealedData_UnsealsWithNewSecretOnly()
    {
        TestTpm tpm = Owned();
        TpmStoredData blob = Seal(tpm, "a secret"u8);
        TestAuth parent = Parent(tpm);
        TestAuth entity = tpm.Oiap(OldAuth, goesOn: true);
        blob.EncData = tpm.Send(new ChangeAuth(), Request(parent, TpmEntityType.Data, blob.EncData), parent, entity).OutData;

        Assert.False(parent.GoesOn || entity.GoesOn);
        Assert.Equal(0, tpm.State.Sessions.Count);
        var unseal = new UnsealRequest { ParentHandle = TpmKeyHandle.Srk, InData = blob };
        Assert.Equal(TpmResult.Auth2Fail, tpm.ResultOf(new Unseal(), unseal, tpm.Oiap(TestTpm.WellKnown), tpm.Oiap(OldAuth)));
        Assert.Equal("a secret"u8, tpm.Send(new Unseal(), unseal, tpm.Oiap(TestTpm.WellKnown), tpm.Oiap(NewAuth)).Secret.Span);
    }

    [Fact]
    public void ChangeAuth_Actions11And12_Key_OnlyItsUsageSecretIsAnother()
    {
        TestTpm tpm = Owned();
        TpmStoreAsymKey key = StoredKey();
        TestAuth parent = Parent(tpm);
        ChangeAuthRequest request = Request(parent, TpmEntityType.Key, Wrap(tpm, key));
        ReadOnlyMemory<byte> outData = tpm.Send(new ChangeAuth(), request, parent, tpm.Oiap(OldAuth)).OutData;
        byte[] plain = Witness.DecryptOaep(tpm.State.Permanent.Data.Srk!.Key.PubKey.Key, outData);
        Assert.Equal(WireFormat.ToBytes(key with { UsageAuth = new TpmAuthData(NewAuth) }), plain);
    }

    [Fact]
    public void ChangeAuth_Action1_OtherEntity_WrongEntityType()
    {
        TestTpm tpm = Owned();
        TestAuth parent = Parent(tpm);
        Assert.Equal(
            TpmResult.WrongEntityType,
            tpm.ResultOf(new ChangeAuth(), Request(parent, TpmEntityType.Srk, new byte[256]), parent, tpm.Oiap(OldAuth)));
    }

    [Fact]
    public void ChangeAuth_Actions2And3_SessionsOfOtherProtocols_BadMode()
    {
        TestTpm tpm = Owned();
        TestAuth oiap = tpm.Oiap(TestTpm.WellKnown);
        ChangeAuthRequest request = Request(oiap, TpmEntityType.Key, new byte[256]);
        Assert.Equal(TpmResult.BadMode, tpm.ResultOf(new ChangeAuth(), request, oiap, tpm.Oiap(OldAuth)));
        TestAuth parent = Parent(tpm);
        Assert.Equal(TpmResult.BadMode, tpm.ResultOf(new ChangeAuth(), Request(parent, TpmEntityType.Key, new byte[256]), parent, Parent(tpm)));
    }

    [Fact]
    public void ChangeAuth_Action4_OtherProtocol_BadParameter()
    {
        TestTpm tpm = Owned();
        TestAuth parent = Parent(tpm);
        ChangeAuthRequest request = Request(parent, TpmEntityType.Key, new byte[256]);
        request.ProtocolId = TpmProtocolId.Owner;
        Assert.Equal(TpmResult.BadParameter, tpm.ResultOf(new ChangeAuth(), request, parent, tpm.Oiap(OldAuth)));
    }

    [Fact]
    public void ChangeAuth_Action7_WrongSecretOfParent_AuthFailThatIsCounted()
    {
        TestTpm tpm = Owned();
        TestAuth parent = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, OldAuth);
        ChangeAuthRequest request = Request(parent, TpmEntityType.Key, Wrap(tpm, StoredKey()));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ChangeAuth(), request, parent, tpm.Oiap(OldAuth)));
        Assert.Equal(1u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void ChangeAuth_Action8_ParentThatIsNoStorageKey_InvalidKeyUsage()
    {
        TestTpm tpm = Owned();
        LoadedKey srk = tpm.State.Permanent.Data.Srk!;
        LoadedKey bind = srk with { Handle = 0x01000001, Key = srk.Key with { KeyUsage = TpmKeyUsage.Bind } };
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Add(bind) };
        TestAuth parent = tpm.Osap(TpmEntityType.KeyHandle, bind.Handle, TestTpm.WellKnown);
        ChangeAuthRequest request = Request(parent, TpmEntityType.Key, new byte[256]);
        request.ParentHandle = bind.Handle;
        Assert.Equal(TpmResult.InvalidKeyUsage, tpm.ResultOf(new ChangeAuth(), request, parent, tpm.Oiap(OldAuth)));
    }

    [Fact]
    public void ChangeAuth_Action9_NotEncryptedForTheParent_DecryptError()
    {
        TestTpm tpm = Owned();
        TestAuth parent = Parent(tpm);
        Assert.Equal(
            TpmResult.DecryptError,
            tpm.ResultOf(new ChangeAuth(), Request(parent, TpmEntityType.Key, new byte[256]), parent, tpm.Oiap(OldAuth)));
    }

    [Theory]
    [InlineData(TpmEntityType.Key)]
    [InlineData(TpmEntityType.Data)]
    public void ChangeAuth_Action10a_OtherStructure_InvalidStructure(TpmEntityType type)
    {
        TestTpm tpm = Owned();
        byte[] encData = type == TpmEntityType.Key
            ? Seal(tpm, "data"u8).EncData.ToArray()
            : Wrap(tpm, StoredKey() with { Payload = TpmPayloadType.Migrate });
        TestAuth parent = Parent(tpm);
        Assert.Equal(TpmResult.InvalidStructure, tpm.ResultOf(new ChangeAuth(), Request(parent, type, encData), parent, tpm.Oiap(OldAuth)));
    }

    [Fact]
    public void ChangeAuth_Action10b_WrongSecretOfEntity_Auth2FailThatIsCounted()
    {
        TestTpm tpm = Owned();
        TestAuth parent = Parent(tpm);
        Assert.Equal(
            TpmResult.Auth2Fail,
            tpm.ResultOf(new ChangeAuth(), Request(parent, TpmEntityType.Key, Wrap(tpm, StoredKey())), parent, tpm.Oiap(NewAuth)));
        Assert.Equal(1u, tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void ChangeAuthOwner_Actions5To8_Owner_NewSecretAloneAuthorizes()
    {
        TestTpm tpm = Owned();
        TestAuth osap = OwnerOsap(tpm, goesOn: true);
        TestAuth other = OwnerOsap(tpm, goesOn: true);
        tpm.Send(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Owner), osap);
        Assert.False(osap.GoesOn);
        Assert.Equal(TpmResult.InvalidAuthHandle, tpm.ResultOf(new DisableOwnerClear(), default, other));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new DisableOwnerClear(), default, tpm.Oiap(TestTpm.OwnerAuth)));
        tpm.Send(new DisableOwnerClear(), default, tpm.Oiap(NewAuth));
    }

    [Fact]
    public void ChangeAuthOwner_Action7_Srk_NewSecretAloneAuthorizes()
    {
        TestTpm tpm = Owned();
        TestAuth ofSrk = Parent(tpm);
        TestAuth osap = OwnerOsap(tpm);
        tpm.Send(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Srk), osap);
        Assert.Null(tpm.State.Sessions.Find(ofSrk.Handle));
        Assert.Equal(NewAuth, tpm.State.Permanent.Data.Srk!.UsageAuth.Span.ToArray());
        Assert.Equal(TestTpm.OwnerAuth, tpm.State.Permanent.Data.OwnerAuth!.Span.ToArray());
    }

    [Fact]
    public void ChangeAuthOwner_Actions8And9_SavedSessions_AreWorthNothing()
    {
        TestTpm tpm = Owned();
        tpm.State = tpm.State with { StAnyData = tpm.State.StAnyData with { ContextList = [1, 2], AuthContextList = [2] } };
        TestAuth osap = OwnerOsap(tpm);
        tpm.Send(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Owner), osap);
        Assert.Empty(tpm.State.StAnyData.ContextList);
        Assert.Empty(tpm.State.StAnyData.AuthContextList);
    }

    [Fact]
    public void ChangeAuthOwner_Action6_CommandFails_EndsTheSessionToo()
    {
        TestTpm tpm = Owned();
        TestAuth osap = OwnerOsap(tpm, goesOn: true);
        Assert.Equal(TpmResult.WrongEntityType, tpm.ResultOf(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Key), osap));
        Assert.Null(tpm.State.Sessions.Find(osap.Handle));
    }

    [Fact]
    public void ChangeAuthOwner_Action8_DsapSessionOfTheOwner_Ends()
    {
        TestTpm tpm = Owned();
        tpm.AddFamily(1);
        TpmDelegatePublic delegation = TestTpm.Delegation(TpmDelegateOwnerPermission.DisableOwnerClear);
        TestAuth dsap = tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(tpm.OwnerBlob(delegation)), goesOn: true);
        TestAuth osap = OwnerOsap(tpm);
        tpm.Send(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Owner), osap);
        Assert.Null(tpm.State.Sessions.Find(dsap.Handle));
    }

    [Fact]
    public void ChangeAuthOwner_Actions1To4_EachItsError()
    {
        TestTpm tpm = Owned();
        TestAuth oiap = tpm.Oiap(TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.BadMode, tpm.ResultOf(new ChangeAuthOwner(), OwnerRequest(oiap, TpmEntityType.Owner), oiap));
        TestAuth osap = OwnerOsap(tpm);
        Assert.Equal(TpmResult.WrongEntityType, tpm.ResultOf(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Key), osap));
        osap = OwnerOsap(tpm);
        Assert.Equal(
            TpmResult.BadParameter,
            tpm.ResultOf(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Owner) with { ProtocolId = TpmProtocolId.Owner }, osap));
        osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.WellKnown);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ChangeAuthOwner(), OwnerRequest(osap, TpmEntityType.Owner), osap));
    }

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }

    private static TestAuth Parent(TestTpm tpm) =>
        tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown, goesOn: true);

    private static TestAuth OwnerOsap(TestTpm tpm, bool goesOn = false) =>
        tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: goesOn);

    private static ChangeAuthRequest Request(TestAuth parent, TpmEntityType type, ReadOnlyMemory<byte> encData) => new()
    {
        ParentHandle = TpmKeyHandle.Srk,
        ProtocolId = TpmProtocolId.Adcp,
        NewAuth = TestTpm.EncryptAuth(parent, NewAuth),
        EntityType = (ushort)type,
        EncData = encData,
    };

    private static ChangeAuthOwnerRequest OwnerRequest(TestAuth owner, TpmEntityType type) =>
        new() { ProtocolId = TpmProtocolId.Adcp, NewAuth = TestTpm.EncryptAuth(owner, NewAuth), EntityType = (ushort)type };

    private static TpmStoredData Seal(TestTpm tpm, ReadOnlySpan<byte> data)
    {
        TestAuth osap = tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var request = new SealRequest { KeyHandle = TpmKeyHandle.Srk, EncAuth = TestTpm.EncryptAuth(osap, OldAuth), InData = data.ToArray() };
        return tpm.Send(new Seal(), request, osap).SealedData;
    }

    private static TpmStoreAsymKey StoredKey() => new()
    {
        Payload = TpmPayloadType.Asym,
        UsageAuth = new TpmAuthData(OldAuth),
        MigrationAuth = new TpmAuthData(SHA1.HashData("migration"u8)),
        PubDataDigest = new TpmDigest(SHA1.HashData("public"u8)),
        PrivKey = RandomNumberGenerator.GetBytes(128),
    };

    private static byte[] Wrap(TestTpm tpm, TpmStoreAsymKey key) =>
        TestTpm.EncryptOaep(tpm.State.Permanent.Data.Srk!.Key.ToPubKey(), WireFormat.ToBytes(key));
}
