using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>PCRs as Linux writes them.</summary>
public sealed class PcrTextTests
{
    [Fact]
    public void File_InTheFormOfLinux_HasItsValues()
    {
        const string text = """
            PCR-00: 3A 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 75
            PCR-01: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01

            PCR-23: FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF

            """;
        IReadOnlyDictionary<int, TpmDigest> values = PcrText.ParseFile(text.Replace("\n", " \r\n", StringComparison.Ordinal));
        Assert.Equal([0, 1, 23], values.Keys.Order());
        Assert.Equal("3a3f780f11a4b49969fcaa80cd6e3957c33b2275", values[0].ToString());
        Assert.Equal("0000000000000000000000000000000000000001", values[1].ToString());
        Assert.Equal(TpmDigest.AllOnes, values[23]);
        Assert.Empty(PcrText.ParseFile(""));
    }

    [Theory]
    [InlineData("PCR-00: 3A 3F")]
    [InlineData("PCR-24: 3A 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 75")]
    [InlineData("3A 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 75")]
    [InlineData("PCR-00: 3A 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 7G")]
    [InlineData("PCR-00: 3A: 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 75")]
    [InlineData("hello")]
    public void File_WithAnotherLine_NamesIt(string line) =>
        Assert.Contains(line, Assert.Throws<ApprovalException>(() => PcrText.ParseFile(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void File_WithAPcrTwice_IsRefused()
    {
        const string line = "PCR-05: 3A 3F 78 0F 11 A4 B4 99 69 FC AA 80 CD 6E 39 57 C3 3B 22 75\n";
        Assert.Contains("PCR 5", Assert.Throws<ApprovalException>(() => PcrText.ParseFile(line + line)).Message, StringComparison.Ordinal);
    }
}
