using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Migration;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Migration;

public class CmkSetRestrictionsTests
{
    private readonly TestTpm _tpm = new();

    public CmkSetRestrictionsTests()
    {
        _tpm.TakeOwnership();
        _tpm.AddFamily(1);
    }

    [Fact]
    public void CmkSetRestrictions_Actions2And3_Restriction_IsKeptAndReported()
    {
        Set(TpmCmkDelegate.Bind | TpmCmkDelegate.Migrate);
        Assert.Equal(0x28000000u, _tpm.GetProperty(TpmCapabilityProperty.CmkRestriction));
        Set(TpmCmkDelegate.None);
        Assert.Equal(0u, _tpm.GetProperty(TpmCapabilityProperty.CmkRestriction));
    }

    [Fact]
    public void CmkSetRestrictions_Action1_NotTheOwner_AuthFail() =>
        Assert.Equal(TpmResult.AuthFail, _tpm.ResultOf(new CmkSetRestrictions(), default, _tpm.Oiap(TestTpm.KeyAuth)));

    [Fact]
    public void CmkSetRestrictions_ByADelegate_DisabledCmd()
    {
        byte[] blob = WireFormat.ToBytes(_tpm.OwnerBlob(TestTpm.Delegation((TpmDelegateOwnerPermission)uint.MaxValue)));
        Assert.Equal(TpmResult.DisabledCmd, _tpm.ResultOf(new CmkSetRestrictions(), default, _tpm.Dsap(TpmEntityType.DelegateOwnerBlob, blob)));
    }

    [Fact]
    public void CmkSetRestrictions_Description1_DelegatesUseCertifiedMigrationKeysOnlyAsTheOwnerAllows()
    {
        uint key = _tpm.LoadKey2(_tpm.CmkCreateKey(TpmKeyUsage.Signing, default));
        byte[] blob = WireFormat.ToBytes(_tpm.KeyBlob(TestTpm.Delegation(TpmDelegateKeyPermission.Sign), key));
        var request = new SignRequest { KeyHandle = key, AreaToSign = new byte[20] };
        foreach ((TpmCmkDelegate restriction, TpmResult expected) in (ReadOnlySpan<(TpmCmkDelegate, TpmResult)>)
            [
                (TpmCmkDelegate.None, TpmResult.InvalidKeyUsage),
                (TpmCmkDelegate.Storage | TpmCmkDelegate.Bind | TpmCmkDelegate.Legacy | TpmCmkDelegate.Migrate, TpmResult.InvalidKeyUsage),
                (TpmCmkDelegate.Signing, TpmResult.Success),
            ])
        {
            Set(restriction);
            Assert.Equal(expected, _tpm.ResultOf(new Sign(), request, _tpm.Dsap(TpmEntityType.DelegateKeyBlob, blob, key)));
            Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Sign(), request, _tpm.Oiap(TestTpm.KeyAuth)));
        }
    }

    private void Set(TpmCmkDelegate restriction) =>
        _tpm.Send(new CmkSetRestrictions(), new CmkSetRestrictionsRequest { Restriction = restriction }, _tpm.Oiap(TestTpm.OwnerAuth));
}
