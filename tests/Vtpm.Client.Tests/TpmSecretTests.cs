using Xunit;

namespace Vtpm.Client.Tests;

public class TpmSecretTests
{
    [Theory]
    [InlineData("well-known", "0000000000000000000000000000000000000000")]
    [InlineData("hash:000102030405060708090a0b0c0d0e0f10111213", "000102030405060708090A0B0C0D0E0F10111213")]
    [InlineData("hash:ABCDEF030405060708090A0B0C0D0E0F10111213", "ABCDEF030405060708090A0B0C0D0E0F10111213")]
    [InlineData("text:abc", "A9993E364706816ABA3E25717850C26C9CD0D89D")]
    [InlineData("text:", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709")]
    public void Parse_EachForm_GivesItsTwentyBytes(string form, string expected)
    {
        using TpmSecret secret = TpmSecret.Parse(form);
        Assert.Equal(expected, Convert.ToHexString(secret.Span));
    }

    [Theory]
    [InlineData("")]
    [InlineData("wellknown")]
    [InlineData("hash:")]
    [InlineData("hash:0001")]
    [InlineData("hash:zz0102030405060708090a0b0c0d0e0f10111213")]
    [InlineData("hash:000102030405060708090a0b0c0d0e0f1011121314")]
    [InlineData("TEXT:abc")]
    public void Parse_AnotherForm_SaysWhatToWriteAndNotTheSecret(string form)
    {
        var error = Assert.Throws<FormatException>(() => TpmSecret.Parse(form));
        Assert.Contains("hex digits", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("0001", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_ZeroesTheBytes()
    {
        TpmSecret secret = TpmSecret.Parse("text:abc");
        secret.Dispose();
        Assert.Equal(new byte[20], secret.Span.ToArray());
        Assert.Equal("(secret)", secret.ToString());
    }
}
