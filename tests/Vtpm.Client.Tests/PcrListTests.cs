using Vtpm.Wire;
using Xunit;

namespace Vtpm.Client.Tests;

/// <summary>PCRs as people, the original's tools and TPMs write them.</summary>
public sealed class PcrListTests
{
    [Theory]
    [InlineData("0", 1u, "0")]
    [InlineData("0-7,17-19", 0x0E00FFu, "0-7,17-19")]
    [InlineData("23,22,21,4", 0xE00010u, "4,21-23")]
    [InlineData("3,1,1-2", 0x0Eu, "1-3")]
    [InlineData("0-23", 0xFFFFFFu, "0-23")]
    public void List_InWriting_IsAMask(string text, uint mask, string described)
    {
        Assert.Equal(mask, PcrList.Parse(text));
        Assert.Equal(described, PcrList.Describe(mask));
    }

    [Theory]
    [InlineData("")]
    [InlineData("24")]
    [InlineData("7-0")]
    [InlineData("0-")]
    [InlineData("0-1-2")]
    [InlineData("1,,2")]
    [InlineData("1,")]
    [InlineData("-1")]
    [InlineData("a")]
    [InlineData(" 1")]
    [InlineData("+1")]
    [InlineData("99999999999")]
    public void List_InAnotherForm_IsRefused(string text) =>
        Assert.Contains("0-7,17", Assert.Throws<FormatException>(() => PcrList.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("0e00ff", 0x0E00FFu)]
    [InlineData("0x0E00FF", 0x0E00FFu)]
    [InlineData("1", 1u)]
    [InlineData("000000001", 1u)]
    [InlineData("ffffff", 0xFFFFFFu)]
    public void Mask_InHexadecimal_IsRead(string text, uint expected)
    {
        Assert.True(PcrList.TryParseMask(text, out uint mask));
        Assert.Equal(expected, mask);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x")]
    [InlineData("1000000")]
    [InlineData("1ffffffff")]
    [InlineData("-1")]
    [InlineData(" 1")]
    [InlineData("g")]
    public void Mask_OfSomethingElse_IsRefused(string text) => Assert.False(PcrList.TryParseMask(text, out _));

    [Theory]
    [InlineData("", true, 0u)]
    [InlineData("ff000e", true, 0x0E00FFu)]
    [InlineData("01", true, 1u)]
    [InlineData("01000000", true, 1u)]
    [InlineData("00000001", false, 0u)]
    [InlineData("0100000000", false, 0u)]
    public void Selection_OfPcrsThatThereAre_IsAMask(string select, bool isMask, uint expected)
    {
        Assert.Equal(isMask, PcrList.TryFromSelection(new TpmPcrSelection { PcrSelect = Convert.FromHexString(select) }, out uint mask));
        if (isMask) Assert.Equal(expected, mask);
    }
}
