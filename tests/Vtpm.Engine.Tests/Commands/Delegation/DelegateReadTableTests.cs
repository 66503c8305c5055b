using Vtpm.Engine.Commands.Delegation;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.Delegation;

public class DelegateReadTableTests
{
    private readonly TestTpm _tpm = new();

    [Fact]
    public void DelegateReadTable_Action5_NoDelegations_BothTablesAreEmpty()
    {
        DelegateReadTableResponse tables = _tpm.Send(new DelegateReadTable(), default);
        Assert.True(tables.FamilyTable.IsEmpty);
        Assert.True(tables.DelegateTable.IsEmpty);
    }

    [Fact]
    public void DelegateReadTable_Actions1And2_Families_AreListedWithoutGaps()
    {
        _tpm.CreateFamily();
        _tpm.CreateFamily();
        _tpm.CreateFamily();
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Enable, 3, [1]));
        Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Invalidate, 2, []));
        DelegateReadTableResponse tables = _tpm.Send(new DelegateReadTable(), default);
        Assert.Equal(
            "0025" + "46" + "00000001" + "00000001" + "00000000" + "0025" + "46" + "00000003" + "00000001" + "00000001",
            Convert.ToHexStringLower(tables.FamilyTable.Span));
    }

    [Fact]
    public void DelegateReadTable_Actions3And4_Rows_AreListedWithTheirIndexAndWithoutTheirSecret()
    {
        _tpm.AddFamily(1);
        var request = new DelegateLoadOwnerDelegationRequest
        {
            Index = 1,
            Blob = WireFormat.ToBytes(TestTpm.PlainBlob(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear) with { RowLabel = 9 })),
        };
        _tpm.Send(new DelegateLoadOwnerDelegation(), request);
        DelegateReadTableResponse tables = _tpm.Send(new DelegateReadTable(), default);
        string pcrInfo = "0000" + "00" + new string('0', 40);
        string permissions = "001a" + "00000001" + "00010000" + "00000000";
        Assert.Equal("00000001" + "001b" + "09" + pcrInfo + permissions + "00000001" + "00000001", Convert.ToHexStringLower(tables.DelegateTable.Span));
    }
}
