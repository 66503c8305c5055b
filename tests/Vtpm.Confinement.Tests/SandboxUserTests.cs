using Xunit;

namespace Vtpm.Confinement.Tests;

public sealed class SandboxUserTests
{
    [Theory]
    [InlineData("2000000000", 2000000000u, 2000000000u)]
    [InlineData("1234:5678", 1234u, 5678u)]
    [InlineData("nobody", 65534u, 65534u)]
    [InlineData("nobody:1234", 65534u, 1234u)]
    [InlineData("1234:nogroup", 1234u, 65534u)]
    [InlineData("games", 5u, 60u)]
    public void User_IsANameOrANumber(string text, uint uid, uint gid)
    {
        SandboxUser user = SandboxUser.Parse(text);
        Assert.Equal((uid, gid), (user.Uid, user.Gid));
        Assert.Equal(user, SandboxUser.Parse(user.ToString()));
    }

    [Theory]
    [InlineData("root")]
    [InlineData("0")]
    [InlineData("1234:0")]
    [InlineData("1234:root")]
    [InlineData("0:1234")]
    [InlineData("nobody-knows-me")]
    [InlineData("1234:nobody-knows-me")]
    [InlineData("4294967295")]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData(":")]
    public void User_ThatIsRootOrNone_IsRefused(string text) => Assert.Throws<FormatException>(() => SandboxUser.Parse(text));

    [Fact]
    public void Users_OfARange_AreEachOnesOwn()
    {
        SandboxUserRange range = SandboxUserRange.Parse("100-102");
        SandboxUser[] users = [range.Take(), range.Take(), range.Take()];
        Assert.Equal([100u, 101u, 102u], users.Select(user => user.Uid).Order());
        Assert.All(users, user => Assert.Equal(user.Uid, user.Gid));
        Assert.Contains("100-102", Assert.Throws<ConfinementException>(() => range.Take()).Message, StringComparison.Ordinal);
        range.Return(users[1]);
        Assert.Equal(users[1], range.Take());
    }

    [Fact]
    public void Range_OfTheDefault_IsOne() => Assert.Equal(SandboxUserRange.Default, SandboxUserRange.Parse(SandboxUserRange.Default).ToString());

    [Theory]
    [InlineData("0-5")]
    [InlineData("5-4")]
    [InlineData("5")]
    [InlineData("a-b")]
    [InlineData("1-4294967295")]
    [InlineData("1-2-3")]
    public void Range_ThatIsNone_IsRefused(string text) => Assert.Throws<FormatException>(() => SandboxUserRange.Parse(text));
}
