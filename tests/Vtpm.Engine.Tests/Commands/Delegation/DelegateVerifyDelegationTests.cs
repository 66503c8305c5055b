using System.Security.Cryptography;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateVerifyDelegationTests
{
    private static readonly TpmDelegatePublic Clears = TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear);

    private readonly TestTpm _tpm = new();
    private readonly uint _key;
    private readonly byte[] _ownerBlob;
    private readonly byte[] _keyBlob;

    public DelegateVerifyDelegationTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
        _key = _tpm.LoadWrapped(TpmKeyUsage.Signing);
        _ownerBlob = _tpm.CreateOwnerDelegation(Clears);
        _keyBlob = _tpm.CreateKeyDelegation(_key, TestTpm.Delegation(TpmDelegateKeyPermission.Sign));
    }

    [Fact]
    public void DelegateVerifyDelegation_Actions1To2And9And11_BlobsOfBothKinds_Success()
    {
        Assert.Equal(TpmResult.Success, Verify(_ownerBlob));
        Assert.Equal(TpmResult.Success, Verify(_keyBlob));
        Assert.Equal(TpmResult.Success, Verify(WireFormat.ToBytes(_tpm.OwnerBlob(Clears))));
    }

    [Fact]
    public void DelegateVerifyDelegation_Action3_NoBlob_BadParameter()
    {
        Assert.Equal(TpmResult.BadParameter, Verify([]));
        Assert.Equal(TpmResult.BadParameter, Verify([0]));
        Assert.Equal(TpmResult.BadParameter, Verify(new byte[200]));
        Assert.Equal(TpmResult.BadParameter, Verify(_ownerBlob[..^1]));
        Assert.Equal(TpmResult.BadParameter, Verify([.. _keyBlob, 0]));
    }

    [Fact]
    public void DelegateVerifyDelegation_Action4_FamilyThatIsGone_BadIndex()
    {
        _tpm.ChangeDelegation(tables => tables.WithoutFamily(1));
        Assert.Equal(TpmResult.BadIndex, Verify(_ownerBlob));
        Assert.Equal(TpmResult.BadIndex, Verify(_keyBlob));
    }

    [Fact]
    public void DelegateVerifyDelegation_Action6_FamilyNotEnabled_DisabledCmd()
    {
        _tpm.AddFamily(1, flags: TpmFamilyFlags.None);
        Assert.Equal(TpmResult.DisabledCmd, Verify(_ownerBlob));
        Assert.Equal(TpmResult.DisabledCmd, Verify(_keyBlob));
    }

    [Fact]
    public void DelegateVerifyDelegation_Action7_OldGeneration_FamilyCount()
    {
        _tpm.AddFamily(1, verificationCount: 2);
        Assert.Equal(TpmResult.FamilyCount, Verify(_ownerBlob));
        Assert.Equal(TpmResult.FamilyCount, Verify(_keyBlob));
    }

    [Fact]
    public void DelegateVerifyDelegation_Action8_ChangedBlob_AuthFail()
    {
        foreach (byte[] blob in (byte[][])[_ownerBlob, _keyBlob])
        {
            blob[^1] ^= 1;
            Assert.Equal(TpmResult.AuthFail, Verify(blob));
            blob[^1] ^= 1;
            // The label of the row.
            blob[4] ^= 1;
            Assert.Equal(TpmResult.AuthFail, Verify(blob));
        }

        Assert.Equal(0u, _tpm.State.Permanent.DictionaryAttack.FailedAuthorizations);
    }

    [Fact]
    public void DelegateVerifyDelegation_Action10_NoSensitiveArea_BadParameter()
    {
        TpmDelegateOwnerBlob blob = _tpm.OwnerBlob(Clears);
        blob.AdditionalArea = new byte[16];
        Assert.Equal(TpmResult.BadParameter, Verify(WithIntegrity(blob)));
        blob.AdditionalArea = new byte[15];
        Assert.Equal(TpmResult.BadParameter, Verify(WithIntegrity(blob)));
        blob.SensitiveArea = default;
        Assert.Equal(TpmResult.BadParameter, Verify(WithIntegrity(blob)));
    }

    private byte[] WithIntegrity(TpmDelegateOwnerBlob blob)
    {
        blob.IntegrityDigest = default;
        blob.IntegrityDigest = new TpmDigest(HMACSHA1.HashData(_tpm.State.Permanent.Data.TpmProof.Span, WireFormat.ToBytes(blob)));
        return WireFormat.ToBytes(blob);
    }

    private TpmResult Verify(byte[] delegation) =>
        _tpm.ResultOf(new DelegateVerifyDelegation(), new DelegateVerifyDelegationRequest { Delegation = delegation });
}
