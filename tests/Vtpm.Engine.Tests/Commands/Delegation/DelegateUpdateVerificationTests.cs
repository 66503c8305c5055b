using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateUpdateVerificationTests
{
    private static readonly TpmDelegatePublic Clears = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear);
    private static readonly TpmDelegatePublic Updates = TestTpm.Delegation(TpmDelegateOwnerPermission.DelegateUpdateVerification);

    private readonly TestTpm _tpm = new();

    public DelegateUpdateVerificationTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
    }

    [Fact]
    public void DelegateUpdateVerification_Action1_WrongSecret_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, ResultOf(_tpm.CreateOwnerDelegation(Clears), _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void DelegateUpdateVerification_Action2_NoDelegation_BadParameter()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.BadParameter, ResultOf([], Owner()));
        Assert.Equal(TpmResult.BadParameter, ResultOf(new byte[5], Owner()));
        Assert.Equal(TpmResult.BadParameter, ResultOf(blob[..^1], Owner()));
        Assert.Equal(TpmResult.BadParameter, ResultOf([.. blob, 0], Owner()));
    }

    [Fact]
    public void DelegateUpdateVerification_Action2a_RowThatIsNotThere_BadIndex()
    {
        Assert.Equal(TpmResult.BadIndex, ResultOf([0, 0, 0, 0], Owner()));
        Assert.Equal(TpmResult.BadIndex, ResultOf([0, 0, 0, 2], Owner()));
        Assert.Equal(TpmResult.BadIndex, ResultOf([0xFF, 0xFF, 0xFF, 0xFF], Owner()));
    }

    [Fact]
    public void DelegateUpdateVerification_Action3_ChangedBlob_AuthFail()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        blob[^1] ^= 1;
        Assert.Equal(TpmResult.AuthFail, ResultOf(blob, Owner()));
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        blob = _tpm.CreateKeyDelegation(key, TestTpm.Delegation(TpmDelegateKeyPermission.Sign));
        blob[^1] ^= 1;
        Assert.Equal(TpmResult.AuthFail, ResultOf(blob, Owner()));
    }

    [Fact]
    public void DelegateUpdateVerification_Action4_FamilyThatIsGone_BadIndex()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Invalidate, 1, [], Owner()));
        Assert.Equal(TpmResult.BadIndex, ResultOf(blob, Owner()));
    }

    [Fact]
    public void DelegateUpdateVerification_Action6_DelegateOfAnotherFamily_DelegateFamily()
    {
        _tpm.AddFamily(2);
        TpmDelegatePublic other = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId: 2);
        byte[] blob = _tpm.CreateOwnerDelegation(other);
        _tpm.AddRow(0, other);
        _tpm.AddRow(1, Updates);
        Assert.Equal(TpmResult.DelegateFamily, ResultOf(blob, Delegate()));
        Assert.Equal(TpmResult.DelegateFamily, ResultOf([0, 0, 0, 0], Delegate()));
        Assert.Equal(TpmResult.Success, ResultOf([0, 0, 0, 1], Delegate()));
        _tpm.Send(new SetOwnerPointer(), new SetOwnerPointerRequest { EntityType = TpmEntityType.DelegateRow, EntityValue = 1 });
        Assert.Equal(TpmResult.DelegateFamily, ResultOf(blob, _tpm.Oiap(TestTpm.DelegateAuth)));
        Assert.Equal(TpmResult.Success, ResultOf([0, 0, 0, 1], _tpm.Oiap(TestTpm.DelegateAuth)));
    }

    [Fact]
    public void DelegateUpdateVerification_Action7_DelegateOfAFamilyNotEnabled_DisabledCmd()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        TestAuth dsap = Delegate();
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, ResultOf(blob, dsap));
        Assert.Equal(TpmResult.Success, ResultOf(blob, Owner()));
    }

    [Fact]
    public void DelegateUpdateVerification_Action8_Row_IsOfThePresentGeneration()
    {
        _tpm.AddRow(1, Clears);
        _tpm.AddFamily(1, verificationCount: 3);
        Assert.Equal(TpmResult.FamilyCount, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 1]));
        Assert.True(Update([0, 0, 0, 1]).IsEmpty);
        Assert.Equal(3u, _tpm.State.Permanent.Delegation.FindRow(1)!.Pub.VerificationCount);
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateRow, [0, 0, 0, 1]));
    }

    [Fact]
    public void DelegateUpdateVerification_Actions8To10_OwnerBlob_ComesBackInThePresentGeneration()
    {
        byte[] blob = _tpm.CreateOwnerDelegation(Clears);
        _tpm.AddFamily(1, verificationCount: 3);
        byte[] updated = Update(blob).ToArray();
        DelegationBlob.Check(_tpm, updated, "002a", Clears with { VerificationCount = 3 }, []);
        Assert.Equal(TpmResult.FamilyCount, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, blob));
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateOwnerBlob, updated));
    }

    [Fact]
    public void DelegateUpdateVerification_Actions8To10_KeyBlob_ComesBackInThePresentGeneration()
    {
        uint key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        TpmDelegatePublic signs = TestTpm.Delegation(TpmDelegateKeyPermission.Sign);
        byte[] blob = _tpm.CreateKeyDelegation(key, signs);
        _tpm.AddFamily(1, verificationCount: 3);
        byte[] updated = Update(blob).ToArray();
        byte[] keyDigest = Witness.Sha1([0, 0, 1, 0], _tpm.State.Keys.Find(key)!.Key.PubKey.Key.ToArray());
        DelegationBlob.Check(_tpm, updated, "0027", signs with { VerificationCount = 3 }, keyDigest);
        Assert.Equal(TpmResult.Success, _tpm.ResultOfDsap(TpmEntityType.DelegateKeyBlob, updated, key));
    }

    private TestAuth Owner() => _tpm.Oiap(TestTpm.OwnerAuth);

    private TestAuth Delegate() => _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, WireFormat.ToBytes(_tpm.OwnerBlob(Updates)));

    private ReadOnlyMemory<byte> Update(byte[] inputData) =>
        _tpm.Send(new DelegateUpdateVerification(), new DelegateUpdateVerificationRequest { InputData = inputData }, Owner()).OutputData;

    private TpmResult ResultOf(byte[] inputData, TestAuth auth) =>
        _tpm.ResultOf(new DelegateUpdateVerification(), new DelegateUpdateVerificationRequest { InputData = inputData }, auth);
}
