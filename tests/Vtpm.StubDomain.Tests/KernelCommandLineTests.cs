using Xunit;

namespace Vtpm.StubDomain.Tests;

/// <summary>The kernel's command line as the program's arguments.</summary>
public class KernelCommandLineTests
{
    private static readonly StubDomainRole Role =
        new("a-stubdom", ["run"], word => word.StartsWith("locality=", StringComparison.Ordinal) || word == "save");

    [Theory]
    [InlineData("", "")]
    [InlineData(" \n", "")]
    [InlineData("a  b\tc\n", "a|b|c")]
    [InlineData("locality=\"a label\"=1 b", "locality=a label=1|b")]
    [InlineData("\"locality=a label=1\" b", "locality=a label=1|b")]
    [InlineData("a=\"\" b", "a=|b")]
    [InlineData("\"not ended b", "not ended b")]
    public void Words_AreSplitAsTheKernelSplitsThem(string text, string words) =>
        Assert.Equal(words, string.Join('|', KernelCommandLine.Parse(text).Words));

    [Fact]
    public void ArgumentsOf_TakesTheProgramsWordsFromAmongTheKernels() =>
        Assert.Equal(
            ["run", "save", "locality=x=1"],
            KernelCommandLine.Parse("console=hvc0 save root=/dev/xvda locality=x=1 quiet").ArgumentsOf(Role));

    [Fact]
    public void ArgumentsOf_WhatFollowsTheSeparatorIsTheProgramsAlone() =>
        Assert.Equal(
            ["run", "--manufacture", "quiet", "save"],
            KernelCommandLine.Parse("save -- --manufacture quiet").ArgumentsOf(Role));
}
