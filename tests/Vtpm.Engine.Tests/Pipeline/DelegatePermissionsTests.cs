using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Pipeline;

/// <summary>Part 2 §20.2: each bit has the name of its command.</summary>
public class DelegatePermissionsTests
{
    [Fact]
    public void OwnerPermission_EveryCommand_HasTheBitOfItsName() =>
        Assert.All(Enum.GetValues<TpmOrdinal>(), ordinal => Assert.Equal(Named<TpmDelegateOwnerPermission>(ordinal), DelegatePermissions.OwnerPermission(ordinal)));

    [Fact]
    public void KeyPermission_EveryCommand_HasTheBitOfItsName() =>
        Assert.All(Enum.GetValues<TpmOrdinal>(), ordinal => Assert.Equal(Named<TpmDelegateKeyPermission>(ordinal), DelegatePermissions.KeyPermission(ordinal)));

    [Fact]
    public void Permissions_EveryBit_IsOfOneCommand()
    {
        TpmOrdinal[] ordinals = Enum.GetValues<TpmOrdinal>();
        Assert.Equal(32, ordinals.Select(DelegatePermissions.OwnerPermission).Where(bit => bit != 0).Distinct().Count());
        Assert.Equal(29, ordinals.Select(DelegatePermissions.KeyPermission).Where(bit => bit != 0).Distinct().Count());
    }

    /// <summary>§20.2.2: what a delegate could rise above the owner with.</summary>
    [Theory]
    [InlineData(TpmOrdinal.ChangeAuthOwner)]
    [InlineData(TpmOrdinal.TakeOwnership)]
    [InlineData(TpmOrdinal.CmkSetRestrictions)]
    [InlineData(TpmOrdinal.GetCapabilityOwner)]
    public void Allow_CommandThatCannotBeDelegated_Never(TpmOrdinal ordinal)
    {
        var all = new TpmDelegations { DelegateType = TpmDelegateType.OwnerBits, Per1 = uint.MaxValue, Per2 = uint.MaxValue };
        Assert.False(DelegatePermissions.Allow(all, TpmEntityType.Owner, ordinal));
    }

    [Fact]
    public void Allow_BitsOfTheOtherKind_Never()
    {
        var ownerBits = new TpmDelegations { DelegateType = TpmDelegateType.OwnerBits, Per1 = uint.MaxValue };
        var keyBits = ownerBits with { DelegateType = TpmDelegateType.KeyBits };
        Assert.True(DelegatePermissions.Allow(ownerBits, TpmEntityType.Owner, TpmOrdinal.MakeIdentity));
        Assert.True(DelegatePermissions.Allow(keyBits, TpmEntityType.KeyHandle, TpmOrdinal.MakeIdentity));
        Assert.False(DelegatePermissions.Allow(ownerBits, TpmEntityType.KeyHandle, TpmOrdinal.MakeIdentity));
        Assert.False(DelegatePermissions.Allow(keyBits, TpmEntityType.Owner, TpmOrdinal.MakeIdentity));
        Assert.False(DelegatePermissions.Allow(ownerBits with { DelegateType = TpmDelegateType.None }, TpmEntityType.Owner, TpmOrdinal.MakeIdentity));
    }

    private static TEnum Named<TEnum>(TpmOrdinal ordinal)
        where TEnum : struct, Enum => Enum.TryParse(ordinal.ToString(), out TEnum bit) ? bit : default;
}
