using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Deprecated;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateManageTests
{
    private static readonly byte[] True = [1];
    private static readonly byte[] False = [0];
    private static readonly TpmDelegatePublic Manager = TestTpm.Delegation(TpmDelegateOwnerPermission.DelegateManage);

    private readonly TestTpm _tpm = new();

    [Theory]
    [InlineData(TpmFamilyOperation.Enable)]
    [InlineData(TpmFamilyOperation.Admin)]
    [InlineData(TpmFamilyOperation.Invalidate)]
    [InlineData((TpmFamilyOperation)5)]
    public void DelegateManage_Action1a_FamilyThatIsNotThere_BadIndex(TpmFamilyOperation opCode)
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.BadIndex, _tpm.Manage(opCode, 2, True));
    }

    [Fact]
    public void DelegateManage_Action2a_WrongSecret_AuthFail()
    {
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.AuthFail, _tpm.Manage(TpmFamilyOperation.Create, 0, True, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(1u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void DelegateManage_Action2a_WithoutOwner_NoSecretIsRight()
    {
        Assert.Equal(TpmResult.AuthFail, _tpm.Manage(TpmFamilyOperation.Create, 0, True, _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.AuthFail, _tpm.Manage(TpmFamilyOperation.Create, 0, True, _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void DelegateManage_Action2b1_DelegateMakesAFamily_FamilyIdDoesNotMatter()
    {
        Own();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Create, 77, [1], Delegate()));
    }

    [Fact]
    public void DelegateManage_Action2b2_DelegateOfAnotherFamily_DelegateFamily()
    {
        Own();
        _tpm.AddFamily(2);
        Assert.Equal(TpmResult.DelegateFamily, _tpm.Manage(TpmFamilyOperation.Enable, 2, False, Delegate()));
        Assert.Equal(TpmResult.DelegateFamily, _tpm.Manage(TpmFamilyOperation.Admin, 2, True, Delegate()));
        Assert.Equal(TpmResult.DelegateFamily, _tpm.Manage(TpmFamilyOperation.Invalidate, 2, [], Delegate()));
        Point();
        Assert.Equal(TpmResult.DelegateFamily, _tpm.Manage(TpmFamilyOperation.Invalidate, 2, [], _tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(
            TpmResult.DelegateFamily,
            _tpm.Manage(TpmFamilyOperation.Invalidate, 2, [], _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.DelegateAuth)));
        Assert.Equal(TpmFamilyFlags.Enabled, _tpm.Family(2).Flags);
    }

    [Fact]
    public void DelegateManage_Action2b2_DelegateOfTheFamily_ManagesIt()
    {
        Own();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, 1, True, Delegate()));
        Assert.Equal(TpmFamilyFlags.Enabled | TpmFamilyFlags.DelegateAdminLock, _tpm.Family(1).Flags);
        Point();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, 1, False, _tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, 1, False, Delegate()));
    }

    [Fact]
    public void DelegateManage_Action3a_OwnerAndNoAuthorization_AuthFail()
    {
        Own();
        Assert.Equal(TpmResult.AuthFail, _tpm.Manage(TpmFamilyOperation.Create, 0, True));
        Assert.Equal(TpmResult.AuthFail, _tpm.Manage(TpmFamilyOperation.Enable, 1, False));
    }

    [Fact]
    public void DelegateManage_Action3b_LockedFamilyWithoutOwner_DelegateLock()
    {
        uint locked = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, locked, True));
        Assert.Equal(TpmResult.DelegateLock, _tpm.Manage(TpmFamilyOperation.Admin, locked, False));
        Assert.Equal(TpmResult.DelegateLock, _tpm.Manage(TpmFamilyOperation.Enable, locked, True));
        Assert.Equal(TpmResult.DelegateLock, _tpm.Manage(TpmFamilyOperation.Invalidate, locked, []));
        uint other = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, other, True));
    }

    [Fact]
    public void DelegateManage_Action3b_LockedFamily_OwnerUnlocksIt()
    {
        uint locked = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, locked, True));
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, locked, False, _tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void DelegateManage_Action3b_LockedFamily_GoesWithForceClear()
    {
        uint locked = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, locked, True));
        _tpm.AssertPresence();
        _tpm.Send(new ForceClear(), default);
        Assert.True(_tpm.State.Permanent.Delegation.Families.IsEmpty);
        Assert.Equal(0u, _tpm.State.Permanent.Data.NoOwnerNvWrite);
    }

    [Fact]
    public void DelegateManage_Action3c_MoreWritesThanThereMayBeWithoutOwner_MaxNvWrites()
    {
        uint family = _tpm.CreateFamily();
        Assert.Equal(1u, _tpm.State.Permanent.Data.NoOwnerNvWrite);
        Assert.Equal(TpmResult.BadParamSize, _tpm.Manage(TpmFamilyOperation.Enable, family, []));
        Assert.Equal(1u, _tpm.State.Permanent.Data.NoOwnerNvWrite);
        for (int i = 1; i < TpmProfile.Xen.NvWritesWithoutOwner; i++) Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, family, True));
        Assert.Equal(TpmResult.MaxNvWrites, _tpm.Manage(TpmFamilyOperation.Enable, family, True));
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, family, True, _tpm.Oiap(TestTpm.OwnerAuth)));
    }

    [Fact]
    public void DelegateManage_Action4_SessionsOfDelegates_EndAndOthersGoOn()
    {
        Own();
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Storage, flags: TpmKeyFlags.None);
        TestAuth oiap = _tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        uint owners = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth).Handle;
        uint ofRow = _tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]).Handle;
        byte[] keyBlob = WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Seal), key));
        uint ofKey = _tpm.Dsap(TpmEntityType.DelegateKeyBlob, keyBlob, key).Handle;
        Point();
        uint ofPointer = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.DelegateAuth).Handle;
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.Owner });

        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Create, 0, [0], oiap));

        Assert.True(oiap.GoesOn);
        Assert.NotNull(_tpm.State.Sessions.Find(owners));
        Assert.All([ofRow, ofKey, ofPointer], handle => Assert.Null(_tpm.State.Sessions.Find(handle)));
    }

    [Fact]
    public void DelegateManage_Action4a_SessionsOfDelegatesThatAreSavedOutside_EndToo()
    {
        Own();
        ReadOnlyMemory<byte> delegates = Save(_tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]));
        uint ofOldKind = _tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]).Handle;
        ReadOnlyMemory<byte> delegatesToo = _tpm.Send(new SaveAuthContext(), new SaveAuthContextRequest { AuthHandle = ofOldKind }).ContextBlob;
        ReadOnlyMemory<byte> owners = Save(_tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth));
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Create, 0, [0], _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.Equal(TpmResult.BadContext, Load(delegates));
        Assert.NotEqual(TpmResult.Success, _tpm.ResultOf(new LoadAuthContext(), new LoadBlobRequest { ContextBlob = delegatesToo }));
        Assert.Equal(TpmResult.Success, Load(owners));
        Assert.Empty(_tpm.State.StAnyData.ContextList);
    }

    [Fact]
    public void DelegateManage_Action4c_OwnerPointer_PointsToTheOwnerAgain()
    {
        Own();
        Point();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Create, 0, [0], _tpm.Oiap(TestTpm.DelegateAuth, goesOn: true)));
        Assert.Equal(TpmKeyHandle.Owner, _tpm.State.StClearData.OwnerReference);
    }

    [Fact]
    public void DelegateManage_Action5_NewFamily_IsAsTheListSays()
    {
        uint family = _tpm.CreateFamily();
        Assert.Equal(1u, family);
        Assert.Equal(new TpmFamilyTableEntry { FamilyLabel = (byte)'F', FamilyId = 1, VerificationCount = 1, Flags = TpmFamilyFlags.None }, _tpm.Family(1));
    }

    [Fact]
    public void DelegateManage_Action5a_NoRowLeft_NoSpace()
    {
        for (int i = 0; i < 8; i++) _tpm.CreateFamily();
        Assert.Equal(TpmResult.NoSpace, _tpm.Manage(TpmFamilyOperation.Create, 0, [0]));
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Invalidate, 3, []));
        Assert.Equal(9u, _tpm.CreateFamily());
    }

    [Fact]
    public void DelegateManage_Action5b_NoLabel_BadParamSize()
    {
        Assert.Equal(TpmResult.BadParamSize, _tpm.Manage(TpmFamilyOperation.Create, 0, []));
        Assert.Equal(TpmResult.BadParamSize, _tpm.Manage(TpmFamilyOperation.Create, 0, [1, 2]));
    }

    [Fact]
    public void DelegateManage_Action5d_IdOfAFamilyThatIsGone_NeverComesAgain()
    {
        uint family = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Invalidate, family, []));
        Assert.Equal(family + 1, _tpm.CreateFamily());
        PermanentState permanent = _tpm.State.Permanent;
        _tpm.State = _tpm.State with { Permanent = permanent with { Data = permanent.Data with { LastFamilyId = uint.MaxValue - 1 } } };
        Assert.Equal(uint.MaxValue, _tpm.CreateFamily());
        Assert.Equal(TpmResult.NoSpace, _tpm.Manage(TpmFamilyOperation.Create, 0, [0]));
    }

    [Fact]
    public void DelegateManage_Action6_Dsap_Ends()
    {
        Own();
        TestAuth dsap = _tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0], goesOn: true);
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, 1, True, dsap));
        Assert.False(dsap.GoesOn);
    }

    [Theory]
    [InlineData(TpmFamilyOperation.Admin)]
    [InlineData(TpmFamilyOperation.Enable)]
    public void DelegateManage_Actions7aAnd8a_NoBool_IsRefused(TpmFamilyOperation opCode)
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.BadParamSize, _tpm.Manage(opCode, 1, []));
        Assert.Equal(TpmResult.BadParamSize, _tpm.Manage(opCode, 1, [0, 1]));
        Assert.Equal(TpmResult.BadParameter, _tpm.Manage(opCode, 1, [2]));
    }

    [Fact]
    public void DelegateManage_Actions7bAnd8b_EachFlag_IsSetAndReset()
    {
        Own();
        foreach ((TpmFamilyOperation opCode, byte[] opData, TpmFamilyFlags expected) in (ReadOnlySpan<(TpmFamilyOperation, byte[], TpmFamilyFlags)>)
            [
                (TpmFamilyOperation.Enable, False, TpmFamilyFlags.None),
                (TpmFamilyOperation.Admin, True, TpmFamilyFlags.DelegateAdminLock),
                (TpmFamilyOperation.Enable, True, TpmFamilyFlags.DelegateAdminLock | TpmFamilyFlags.Enabled),
                (TpmFamilyOperation.Admin, False, TpmFamilyFlags.Enabled),
            ])
        {
            Assert.Equal(TpmResult.Success, _tpm.Manage(opCode, 1, opData, _tpm.Oiap(TestTpm.OwnerAuth)));
            Assert.Equal(expected, _tpm.Family(1).Flags);
        }
    }

    [Fact]
    public void DelegateManage_Action9_InvalidatedFamily_IsGoneWithItsDelegations()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Manager);
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Invalidate, 1, [], _tpm.Oiap(TestTpm.OwnerAuth)));
        Assert.True(_tpm.State.Permanent.Delegation.Families.IsEmpty);
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]));
        Assert.Equal(TpmResult.BadIndex, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, blob));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(5u)]
    [InlineData(uint.MaxValue)]
    public void DelegateManage_Action10_OtherOperation_BadParameter(uint opCode)
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.BadParameter, _tpm.Manage((TpmFamilyOperation)opCode, 1, True));
    }

    /// <summary>An owner, and a row of family 1 that may manage families.</summary>
    private void Own()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        _tpm.AddRow(0, Manager);
    }

    private TestAuth Delegate() => _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(Manager)));

    private void Point() => _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 0 });

    private ReadOnlyMemory<byte> Save(TestAuth auth) =>
        _tpm.Send(new SaveContext(), new SaveContextRequest { Handle = auth.Handle, ResourceType = TpmResourceType.Auth }).ContextBlob;

    private TpmResult Load(ReadOnlyMemory<byte> blob) => _tpm.ResultOf(new LoadContext(), new LoadContextRequest { ContextBlob = blob });
}
