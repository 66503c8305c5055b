using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.State;

public class DelegationTablesTests
{
    private static readonly DelegationTables Tables = DelegationTables.Empty.With(Family(1)).With(Family(2)).WithRow(0, Row(1)).WithRow(1, Row(2));

    [Fact]
    public void With_FamilyOfTheSameId_TakesItsPlace()
    {
        DelegationTables changed = Tables.With(Family(1) with { VerificationCount = 7 });
        Assert.Equal([1u, 2u], changed.Families.ToArray().Select(family => family.FamilyId));
        Assert.True(changed.TryFindFamily(1, out TpmFamilyTableEntry family));
        Assert.Equal(7u, family.VerificationCount);
        Assert.True(Tables.TryFindFamily(1, out family));
        Assert.Equal(0u, family.VerificationCount);
    }

    [Fact]
    public void WithoutFamily_RowsOfIt_AreEmpty()
    {
        DelegationTables changed = Tables.WithoutFamily(1);
        Assert.False(changed.TryFindFamily(1, out _));
        Assert.Null(changed.FindRow(0));
        Assert.NotNull(changed.FindRow(1));
    }

    [Fact]
    public void FindRow_BeyondTheTable_Null() => Assert.Null(Tables.FindRow(DelegationTables.DelegateRows));

    [Fact]
    public void Of_MoreThanTheTablesHold_Throws()
    {
        IEnumerable<TpmFamilyTableEntry> families = Enumerable.Range(1, DelegationTables.FamilyRows + 1).Select(id => Family((uint)id));
        Assert.Throws<ArgumentException>(() => DelegationTables.Of(families, []));
        Assert.Throws<ArgumentException>(() => DelegationTables.Of([], new DelegateRow?[DelegationTables.DelegateRows + 1]));
        DelegationTables copy = DelegationTables.Of(Tables.Families.ToArray(), Tables.Rows.ToArray());
        Assert.Same(Tables.FindRow(1), copy.FindRow(1));
    }

    private static TpmFamilyTableEntry Family(uint id) => new() { FamilyId = id };

    private static DelegateRow Row(uint familyId) =>
        new(TestTpm.Delegation(TpmDelegateOwnerPermission.OwnerClear, familyId), new Secret(TestTpm.DelegateAuth));
}
