using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateCreateOwnerDelegationTests
{
    private const TpmDelegateOwnerPermission Delegating = TpmDelegateOwnerPermission.DelegateCreateOwnerDelegation;

    private static readonly TpmDelegatePublic Clears = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear);

    private readonly TestTpm _tpm = new();

    public DelegateCreateOwnerDelegationTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action15_Blob_OpensASessionThatStandsForTheOwner()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new DisableOwnerClear(), default, _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, blob)));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new OwnerClear(), default, _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, blob)));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action1_WrongSecret_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, Create(Clears, _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.KeyAuth)));

    [Fact]
    public void DelegateCreateOwnerDelegation_Action2_FamilyThatIsNotThere_BadIndex() =>
        Assert.Equal(TpmResult.BadIndex, Create(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2), Osap()));

    [Fact]
    public void DelegateCreateOwnerDelegation_Action3a_DelegateOfAnotherFamily_DelegateFamily()
    {
        _tpm.AddFamily(2);
        TpmDelegatePublic other = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2);
        Assert.Equal(TpmResult.DelegateFamily, Create(other, Delegate(Delegating | TpmDelegateOwnerPermission.OwnerClear)));
        Point(Delegating | TpmDelegateOwnerPermission.OwnerClear);
        Assert.Equal(TpmResult.DelegateFamily, Create(other, _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.DelegateAuth)));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action3b_DelegateOfAFamilyNotEnabled_DisabledCmd()
    {
        TestAuth dsap = Delegate(Delegating | TpmDelegateOwnerPermission.OwnerClear);
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, Create(Clears, dsap));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action3b_FamilyNotEnabled_OwnerDelegatesAllTheSame()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.Success, Create(Clears, Osap()));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action3c_DelegatePassesOnWhatItHas_AndNoMore()
    {
        Assert.Equal(TpmResult.AuthFail, Create(Clears, Delegate(Delegating)));
        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
        Assert.Equal(TpmResult.Success, Create(Clears, Delegate(Delegating | TpmDelegateOwnerPermission.OwnerClear)));
        Point(Delegating);
        Assert.Equal(TpmResult.AuthFail, Create(Clears, _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.DelegateAuth)));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action4_KeyBitsOrReservedBits_BadParameter()
    {
        Assert.Equal(TpmResult.BadParameter, Create(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), Osap()));
        TpmDelegatePublic second = Clears;
        second.Permissions.Per2 = 0x80000000;
        Assert.Equal(TpmResult.BadParameter, Create(second, Osap()));
        second.Permissions = default;
        Assert.Equal(TpmResult.BadParameter, Create(second, Osap()));
        Assert.Equal(TpmResult.Success, Create(TestTpm.Delegation((TpmDelegateOwnerPermission)uint.MaxValue), Osap()));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action5_Oiap_InvalidAuthHandle()
    {
        Assert.Equal(TpmResult.InvalidAuthHandle, Create(Clears, _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.InvalidAuthHandle, Create(Clears, _tpm.Oiap(TestTpm.OwnerAuth), increment: true));
        Assert.Equal(1u, _tpm.Family(1).VerificationCount);
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action6a_Increment_VoidsAllOthersOfTheFamily()
    {
        _tpm.AddFamily(2);
        byte[] old = _tpm.CreateOwnerDelegation(Clears);
        byte[] other = _tpm.CreateOwnerDelegation(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2));
        byte[] current = _tpm.CreateOwnerDelegation(Clears, increment: true);
        Assert.Equal(2u, _tpm.Family(1).VerificationCount);
        Assert.Equal(TpmResult.FamilyCount, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, old));
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, current));
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, other));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action6a_CountAtItsEnd_DoesNotBeginAgain()
    {
        _tpm.AddFamily(1, verificationCount: uint.MaxValue);
        Assert.Equal(TpmResult.FamilyCount, Create(Clears, Osap(), increment: true));
        Assert.Equal(TpmResult.Success, Create(Clears, Osap()));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action6b_Increment_OwnerPointerPointsToTheOwnerAgain()
    {
        TestAuth owners = Osap();
        Point(Delegating);
        Assert.Equal(TpmResult.Success, Create(Clears, owners));
        Assert.Equal(0u, _tpm.State.StClearData.OwnerReference);
        TestAuth delegates = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.DelegateAuth);
        Assert.Equal(TpmResult.Success, Create(TestTpm.Delegation(Delegating), delegates, increment: true));
        Assert.Equal(TpmKeyHandle.Owner, _tpm.State.StClearData.OwnerReference);
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action6c_Increment_EndsSessionsOfDelegates()
    {
        TestAuth other = Delegate(Delegating);
        TestAuth owners = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        TestAuth used = Delegate(Delegating | TpmDelegateOwnerPermission.OwnerClear);
        Assert.Equal(TpmResult.Success, Create(Clears, used, increment: true));
        Assert.Null(_tpm.State.Sessions.Find(other.Handle));
        Assert.Null(_tpm.State.Sessions.Find(used.Handle));
        Assert.NotNull(_tpm.State.Sessions.Find(owners.Handle));
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Actions7To13_Blob_IsAsTheListSays()
    {
        _tpm.AddFamily(1, verificationCount: 5);
        TpmDelegatePublic pub = Clears with { RowLabel = 0x4F, VerificationCount = 99 };
        byte[] blob = _tpm.CreateOwnerDelegation(pub);
        DelegationBlob.Check(_tpm, blob, "002a", pub with { VerificationCount = 5 }, []);
        blob = _tpm.CreateOwnerDelegation(pub, increment: true);
        DelegationBlob.Check(_tpm, blob, "002a", pub with { VerificationCount = 6 }, []);
    }

    [Fact]
    public void DelegateCreateOwnerDelegation_Action14_Session_EndsAlways()
    {
        TestAuth osap = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, Create(Clears, osap));
        Assert.False(osap.GoesOn);
        Assert.Null(_tpm.State.Sessions.Find(osap.Handle));
    }

    private TestAuth Osap() => _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);

    private TestAuth Delegate(TpmDelegateOwnerPermission permissions) =>
        _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(TestTpm.Delegation(permissions))));

    private void Point(TpmDelegateOwnerPermission permissions)
    {
        _tpm.AddRow(0, TestTpm.Delegation(permissions));
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });
    }

    private TpmResult Create(in TpmDelegatePublic publicInfo, TestAuth auth, bool increment = false)
    {
        var request = new DelegateCreateOwnerDelegationRequest
        {
            Increment = increment,
            PublicInfo = publicInfo,
            DelAuth = TestTpm.EncryptAuth(auth, TestTpm.DelegateAuth),
        };
        return _tpm.ResultOf(new DelegateCreateOwnerDelegation(), request, auth);
    }
}
