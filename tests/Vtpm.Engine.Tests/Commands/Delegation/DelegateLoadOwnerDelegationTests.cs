using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Ownership;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateLoadOwnerDelegationTests
{
    private static readonly TpmDelegatePublic Clears = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear);
    private static readonly TpmDelegatePublic Loads = TestTpm.Delegation(TpmDelegateOwnerPermission.DelegateLoadOwnerDelegation);

    private readonly TestTpm _tpm = new();

    [Fact]
    public void DelegateLoadOwnerDelegation_Actions8And13_BlobOfTheOwners_RowStandsForTheOwner()
    {
        Own();
        Assert.Equal(TpmResult.Success, Load(1, _tpm.CreateOwnerDelegation(Clears), Owner()));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new OwnerClear(), default, _tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 1])));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Actions8And13_BlobFromBeforeTheOwner_StandsForTheOwnerToCome()
    {
        uint family = _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, family, [1]));
        Assert.Equal(TpmResult.Success, Load(0, Plain(Clears)));
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new OwnerClear(), default, _tpm.Dsap(TpmEntityType.DelegateRow, [0, 0, 0, 0])));
        Assert.Null(_tpm.State.Permanent.Delegation.FindRow(0));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action1_NoOwnerBlob_IsRefused()
    {
        Own();
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        byte[] keyBlob = WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Sign), key));
        Assert.Equal(TpmResult.BadTag, Load(0, keyBlob, Owner()));
        Assert.Equal(TpmResult.BadParamSize, Load(0, [], Owner()));
        Assert.Equal(TpmResult.BadParamSize, Load(0, [.. WireFormat.ToBytes(_tpm.OwnerBlob(Clears)), 0], Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action2_FamilyThatIsNotThere_BadIndex()
    {
        Own();
        TpmDelegatePublic pub = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2);
        Assert.Equal(TpmResult.BadIndex, Load(0, WireFormat.ToBytes(_tpm.OwnerBlob(pub)), Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action4a_WrongSecretOrNone_AuthFail()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.AuthFail, Load(0, blob, _tpm.Oiap(TestTpm.KeyAuth)));
        Assert.Equal(TpmResult.AuthFail, Load(0, blob));
        Assert.Equal(TpmResult.AuthFail, Load(0, Plain(Clears)));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action4b_DelegateOfAnotherFamily_DelegateFamily()
    {
        Own();
        _tpm.AddFamily(2);
        byte[] other = _tpm.CreateOwnerDelegation(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2));
        byte[] own = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.DelegateFamily, Load(0, other, Delegate()));
        Assert.Equal(TpmResult.Success, Load(0, own, Delegate()));
        _tpm.AddRow(1, Loads);
        Point(1);
        Assert.Equal(TpmResult.DelegateFamily, Load(0, other, _tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.Success, Load(0, own, _tpm.Oiap(TestTpm.DelegateAuth)));
    }

    /// <summary>Part 1 §29.3: other families' rows are none of its business.</summary>
    [Fact]
    public void DelegateLoadOwnerDelegation_Action4b_DelegateWritesOverARowOfAnotherFamily_DelegateFamily()
    {
        Own();
        _tpm.AddFamily(2);
        _tpm.AddRow(0, TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2));
        byte[] own = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.DelegateFamily, Load(0, own, Delegate()));
        Assert.Equal(TpmResult.Success, Load(1, own, Delegate()));
        Assert.Equal(TpmResult.Success, Load(0, own, Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action5a_AuthorizationWithoutOwner_AuthFail()
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.AuthFail, Load(0, Plain(Clears), _tpm.Oiap(TestTpm.WellKnown)));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action5b_LockedFamilyWithoutOwner_DelegateLock()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.Enabled | TpmFamilyFlags.DelegateAdminLock);
        Assert.Equal(TpmResult.DelegateLock, Load(0, Plain(Clears)));
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.Success, Load(0, _tpm.CreateOwnerDelegation(Clears), Owner()));
    }

    /// <summary>Part 1 §29.5: what is locked cannot be written over with the help of a family that somebody makes for it.</summary>
    [Fact]
    public void DelegateLoadOwnerDelegation_Action5b_RowOfALockedFamily_DelegateLock()
    {
        _tpm.AddFamily(1);
        _tpm.AddFamily(2);
        Assert.Equal(TpmResult.Success, Load(0, Plain(Clears)));
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Admin, 1, [1]));
        byte[] other = Plain(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2));
        Assert.Equal(TpmResult.DelegateLock, Load(0, other));
        Assert.Equal(TpmResult.Success, Load(1, other));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action5c_MoreWritesThanThereMayBeWithoutOwner_MaxNvWrites()
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.BadIndex, Load(2, Plain(Clears)));
        Assert.Equal(0u, _tpm.State.Permanent.Data.NoOwnerNvWrite);
        for (uint i = 0; i < TpmProfile.Xen.NvWritesWithoutOwner; i++) Assert.Equal(TpmResult.Success, Load(i % 2, Plain(Clears)));
        Assert.Equal(TpmResult.MaxNvWrites, Load(0, Plain(Clears)));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action6_FamilyNotEnabled_DisabledCmd()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, Load(0, Plain(Clears)));
        _tpm.TakeOwnership();
        Assert.Equal(TpmResult.DisabledCmd, Load(0, _tpm.CreateOwnerDelegation(Clears), Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action7_ChangedBlob_AuthFail()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        foreach (int at in (int[])[2, 30, 38, blob.Length - 30, blob.Length - 1])
        {
            byte[] changed = [.. blob];
            changed[at] ^= 0x80;
            Assert.NotEqual(TpmResult.Success, Load(0, changed, Owner()));
        }

        Assert.Equal(TpmResult.AuthFail, Load(0, Plain(Clears), Owner()));
        Assert.Equal(TpmResult.AuthFail, Load(0, [.. blob[..^1], (byte)(blob[^1] ^ 1)], Owner()));
        Assert.Equal(TpmResult.Success, Load(0, blob, Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action7_BlobOfAnEarlierOwner_AuthFail()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        _tpm.Send(new OwnerClear(), default, Owner());
        _tpm.SetPermanentFlags(flags => flags with { Disable = false, Deactivated = false });
        _tpm.PowerCycle();
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.AuthFail, Load(0, blob, Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_OldGeneration_IsLoadedAndNotUsable()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.Success, Load(0, blob, Owner()));
        Assert.Equal(TpmResult.FamilyCount, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 0]));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action9_NoSensitiveArea_InvalidStructure()
    {
        _tpm.AddFamily(1);
        TpmDelegateOwnerBlob blob = TestTpm.PlainBlob(Clears);
        blob.SensitiveArea = (byte[])[0x00, 0x27, .. TestTpm.DelegateAuth];
        Assert.Equal(TpmResult.InvalidStructure, Load(0, WireFormat.ToBytes(blob)));
        blob.SensitiveArea = default;
        Assert.Equal(TpmResult.InvalidStructure, Load(0, WireFormat.ToBytes(blob)));
        _tpm.TakeOwnership();
        blob.IntegrityDigest = new TpmDigest(
            System.Security.Cryptography.HMACSHA1.HashData(_tpm.State.Permanent.Data.TpmProof.Span, WireFormat.ToBytes(blob)));
        Assert.Equal(TpmResult.InvalidStructure, Load(0, WireFormat.ToBytes(blob), Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action9_PublicPartThatCannotBe_IsRefused()
    {
        _tpm.AddFamily(1);
        Assert.Equal(TpmResult.BadParameter, Load(0, Plain(TestTpm.Delegation(TpmDelegateKeyPermission.Seal))));
        var pcrInfo = new TpmPcrInfoShort { PcrSelection = new TpmPcrSelection { PcrSelect = new byte[3000] } };
        Assert.Equal(TpmResult.InvalidPcrInfo, Load(0, Plain(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, pcrInfo: pcrInfo))));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action10_RowThatThereIsNot_BadIndex()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.BadIndex, Load(2, blob, Owner()));
        Assert.Equal(TpmResult.BadIndex, Load(uint.MaxValue, blob, Owner()));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action11_SessionsOfDelegates_End()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        TestAuth dsap = Delegate();
        TestAuth owners = _tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth);
        Assert.Equal(TpmResult.Success, Load(0, blob, Owner()));
        Assert.Null(_tpm.State.Sessions.Find(dsap.Handle));
        Assert.NotNull(_tpm.State.Sessions.Find(owners.Handle));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action12_Row_IsWhatTheBlobSaysAndStays()
    {
        Own();
        var pcrInfo = new TpmPcrInfoShort
        {
            PcrSelection = TpmPcrSelection.Of(4),
            LocalityAtRelease = TpmLocalitySelection.All,
            DigestAtRelease = TpmDigest.AllOnes,
        };
        TpmDelegatePublic pub = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, pcrInfo: pcrInfo) with { RowLabel = 7 };
        Assert.Equal(TpmResult.Success, Load(1, _tpm.CreateOwnerDelegation(pub), Owner()));
        _tpm.Send(new Oiap(), default);
        DelegateRow row = _tpm.State.Permanent.Delegation.FindRow(1)!;
        Assert.Equal(WireFormat.ToBytes(pub), WireFormat.ToBytes(row.Pub));
        Assert.Equal(TestTpm.DelegateAuth, row.AuthValue.Span.ToArray());
        Assert.Null(_tpm.State.Permanent.Delegation.FindRow(0));
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action12c_OwnerPointer_PointsToTheOwnerAgain()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        _tpm.AddRow(0, Loads);
        Point(0);
        Assert.Equal(TpmResult.Success, Load(1, blob, _tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmKeyHandle.Owner, _tpm.State.StClearData.OwnerReference);
    }

    [Fact]
    public void DelegateLoadOwnerDelegation_Action12d_Dsap_Ends()
    {
        Own();
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        TestAuth dsap = Delegate(goesOn: true);
        TestAuth oiap = _tpm.Oiap(TestTpm.OwnerAuth, goesOn: true);
        Assert.Equal(TpmResult.Success, Load(0, blob, dsap));
        Assert.False(dsap.GoesOn);
        Assert.Equal(TpmResult.Success, Load(0, blob, oiap));
        Assert.True(oiap.GoesOn);
    }

    private void Own()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
    }

    private TestAuth Owner() => _tpm.Oiap(TestTpm.OwnerAuth);

    private TestAuth Delegate(bool goesOn = false) =>
        _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(Loads)), goesOn: goesOn);

    private void Point(uint row) =>
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = row });

    private static byte[] Plain(in TpmDelegatePublic pub) => WireFormat.ToBytes(TestTpm.PlainBlob(pub));

    private TpmResult Load(uint index, byte[] blob, params TestAuth[] auths) =>
        _tpm.ResultOf(new DelegateLoadOwnerDelegation(), new DelegateLoadOwnerDelegationRequest { Index = index, Blob = blob }, auths);
}
