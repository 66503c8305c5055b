using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.AuthorizationSessions;

public class SetOwnerPointerTests
{
    private readonly TestTpm _tpm = new();
    private readonly uint _key;

    public SetOwnerPointerTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner));
        _tpm.AddRow(1, TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear));
        _key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
    }

    [Fact]
    public void SetOwnerPointer_Action2g_Row_TakesTheOwnersPlaceForOiap()
    {
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.DelegateRow, 0));
        Assert.Equal(TpmResult.Success, PinKey(_tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.AuthFail, PinKey(_tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void SetOwnerPointer_Action2g_Row_TakesTheOwnersPlaceForOsap()
    {
        TestAuth owner = _tpm.Osap(TpmEntityType.Owner, 0, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.DelegateRow, 0));
        Assert.Equal(TpmResult.Success, PinKey(_tpm.Osap(TpmEntityType.Owner, 0, TestTpm.DelegateAuth)));
        // A session from before has the owner's own authority still.
        Assert.Equal(TpmResult.Success, PinKey(owner));
    }

    [Fact]
    public void SetOwnerPointer_Action2_RowOfAnotherCommand_DisabledCmd()
    {
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.DelegateRow, 1));
        Assert.Equal(TpmResult.DisabledCmd, PinKey(_tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.DisabledCmd, PinKey(_tpm.Osap(TpmEntityType.Owner, 0, TestTpm.DelegateAuth)));
    }

    [Fact]
    public void SetOwnerPointer_Action2b_RowThatIsNotThere_BadIndex()
    {
        Assert.Equal(TpmResult.BadIndex, Point(TpmEntityType.DelegateRow, 2));
        _tpm.ChangeDelegation(_ => DelegationTables.Empty);
        Assert.Equal(TpmResult.BadIndex, Point(TpmEntityType.DelegateRow, 0));
    }

    [Fact]
    public void SetOwnerPointer_Action2c_FamilyThatIsNotThere_BadIndex()
    {
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner, familyId: 5));
        Assert.Equal(TpmResult.BadIndex, Point(TpmEntityType.DelegateRow, 0));
    }

    [Fact]
    public void SetOwnerPointer_Action2e_FamilyNotEnabled_DisabledCmd()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, Point(TpmEntityType.DelegateRow, 0));
    }

    [Fact]
    public void SetOwnerPointer_Action2f_OldVerificationCount_FamilyCount()
    {
        _tpm.AddFamily(1, verificationCount: 9);
        Assert.Equal(TpmResult.FamilyCount, Point(TpmEntityType.DelegateRow, 0));
    }

    [Fact]
    public void SetOwnerPointer_Action3_Owner_GivesThePlaceBack()
    {
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.DelegateRow, 0));
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.Owner, 0x12345678));
        Assert.Equal(TpmResult.Success, PinKey(_tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void SetOwnerPointer_Action4_OtherEntityType_BadParameter()
    {
        Assert.Equal(TpmResult.BadParameter, Point(TpmEntityType.DelegateOwnerBlob, 0));
        Assert.Equal(TpmResult.BadParameter, Point((TpmEntityType)0x63, 0));
    }

    [Fact]
    public void SetOwnerPointer_RowThatWentMeanwhile_BadIndex()
    {
        Assert.Equal(TpmResult.Success, Point(TpmEntityType.DelegateRow, 0));
        _tpm.ChangeDelegation(_ => DelegationTables.Empty);
        Assert.Equal(TpmResult.BadIndex, PinKey(_tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOf(new Osap(), new OsapRequest { EntityType = TpmEntityType.Owner }));
    }

    private TpmResult Point(TpmEntityType type, uint value) =>
        _tpm.ResultOf(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = type, EntityValue = value });

    private TpmResult PinKey(TestAuth auth) => _tpm.ResultOf(
        new KeyControlOwner(),
        new KeyControlOwnerRequest
        {
            KeyHandle = _key,
            PubKey = _tpm.State.Keys.Find(_key)!.Key.ToPubKey(),
            BitName = TpmKeyControl.OwnerEvict,
            BitValue = true,
        },
        auth);
}
