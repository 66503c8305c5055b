using System.Text;
using Xunit;

namespace Vtpm.Boot.Tests;

public sealed class XlConfigurationTests
{
    [Theory]
    [InlineData("kernel=\"/boot/k\"", "/boot/k")]
    [InlineData("kernel = '/boot/k'\n", "/boot/k")]
    [InlineData("\n# a guest\n\tkernel\t=\t\"/boot/k\" # its kernel\n", "/boot/k")]
    [InlineData("memory=512;kernel='/boot/k';", "/boot/k")]
    [InlineData("kernel='/boot/old'\nkernel='/boot/k'", "/boot/k")]
    [InlineData("kernel='/boot'\nkernel+='/k'", "/boot/k")]
    [InlineData("kernel+='/boot/k'", "/boot/k")]
    [InlineData("kernel=0x1f", "0x1f")]
    [InlineData("kernel='a#b;c=[d]'", "a#b;c=[d]")]
    [InlineData("kernel='it\\'s \\\"\\\\\\t'", "it's \"\\\t")]
    [InlineData("kernel=\"it's\"", "it's")]
    [InlineData("kernel='\xc3\xa4'", "\xc3\xa4")]
    [InlineData("memory=1", null)]
    [InlineData("", null)]
    public void Text_OfASetting_IsWhatXlReads(string file, string? kernel) => Assert.Equal(kernel, Parse(file).Text("kernel"));

    [Theory]
    [InlineData("vtpm=['a','b']", "a b")]
    [InlineData("vtpm = [ \"a\" , \"b\" , ]", "a b")]
    [InlineData("vtpm = [\n  'a', # the first\n\n  # the second\n  'b'\n]\nmemory=1", "a b")]
    [InlineData("vtpm=['a']\nvtpm+=['b']", "a b")]
    [InlineData("vtpm=[]", "")]
    [InlineData("memory=1", "")]
    public void List_OfASetting_IsWhatXlReads(string file, string items) => Assert.Equal(items, string.Join(' ', Parse(file).List("vtpm")));

    [Theory]
    [InlineData("kernel='/boot/k", "line 1: a string does not end")]
    [InlineData("\n\nkernel='/boot\n/k'", "line 3: a string does not end")]
    [InlineData("kernel='a\\\nb'", "does not go on")]
    [InlineData("kernel='\\x41'", "numbers")]
    [InlineData("kernel='\\101'", "numbers")]
    [InlineData("kernel='\\q'", "\\q")]
    [InlineData("kernel=/boot/k", "'/' has no meaning")]
    [InlineData("kernel", "= or +=")]
    [InlineData("kernel=", "the file ends")]
    [InlineData("kernel=\n'/boot/k'", "the line ends")]
    [InlineData("Kernel='k'", "'K' has no meaning")]
    [InlineData("kernel='a' 'b'", "the end of the line")]
    [InlineData("kernel='a'\r\n", "line ends of another system")]
    [InlineData("vtpm=['a' 'b']", ", or ]")]
    [InlineData("vtpm=[,'a']", "a number, a string")]
    [InlineData("vtpm=['a'", "the file ends")]
    [InlineData("vtpm=['a']\nvtpm+='b'", "adds")]
    [InlineData("import os", "= or +=")]
    [InlineData("kernel=a()", "where a number")]
    [InlineData("kernel=(1)", "has no meaning here")]
    [InlineData("x=[[[[[[[[[1]]]]]]]]]", "deep")]
    [InlineData("kernel='a\0b'", "zero byte")]
    public void Parse_OfWhatXlRefuses_SaysWhereAndWhat(string file, string says)
    {
        var exception = Assert.Throws<BootException>(() => Parse(file));
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kernel=['k']", "kernel= has one value")]
    public void Text_OfAList_IsRefused(string file, string says) =>
        Assert.Contains(says, Assert.Throws<BootException>(() => Parse(file).Text("kernel")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("vtpm='k'", "is a list")]
    [InlineData("vtpm=[['k']]", "where a text belongs")]
    public void List_OfSomethingElse_IsRefused(string file, string says) =>
        Assert.Contains(says, Assert.Throws<BootException>(() => Parse(file).List("vtpm")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("x=['a',")]
    [InlineData("x+='aaaaaaaaaaaaaaaa'\n")]
    [InlineData("x+=[1,1,1,1,1,1,1,1]\n")]
    [InlineData("[")]
    [InlineData("'")]
    [InlineData("x='\\")]
    [InlineData("#")]
    [InlineData("\n")]
    public void Parse_OfAMillionBytesOfAnything_Ends(string piece)
    {
        byte[] file = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(piece, XlConfiguration.LongestFile / piece.Length)));
        if (Record.Exception(() => XlConfiguration.Parse(file)) is { } exception) Assert.IsType<BootException>(exception);
    }

    [Fact]
    public void Parse_OfTooMuch_IsRefused() => Assert.Throws<BootException>(() => XlConfiguration.Parse(new byte[XlConfiguration.LongestFile + 1]));

    [Fact]
    public void Parse_OfRandomBytes_IsRefusedOrRead()
    {
        var random = new Random(5);
        const string alphabet = "ab=+'\"[],;#\\ \n\r\t0x/\0\xff";
        for (int turn = 0; turn < 20_000; turn++)
        {
            string file = new(Enumerable.Range(0, random.Next(40)).Select(_ => alphabet[random.Next(alphabet.Length)]).ToArray());
            if (Record.Exception(() => Parse(file)) is { } exception) Assert.IsType<BootException>(exception);
        }
    }

    internal static XlConfiguration Parse(string file) => XlConfiguration.Parse(Encoding.Latin1.GetBytes(file));
}
