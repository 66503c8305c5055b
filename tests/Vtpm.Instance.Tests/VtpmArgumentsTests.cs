using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

public class VtpmArgumentsTests
{
    [Theory]
    [InlineData("hwinitpcr=all", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23")]
    [InlineData("hwinitpcr=none", "")]
    [InlineData("hwinitpcr=7", "7")]
    [InlineData("hwinitpcr=5-7", "5 6 7")]
    [InlineData("hwinitpcr=7-5", "5 6 7")]
    [InlineData("hwinitpcr=12-16,0,none", "0 12 13 14 15 16")]
    [InlineData("hwinitpcrs=1,3", "1 3")]
    public void HwInitPcr_EveryForm_SelectsThePcrs(string argument, string pcrs) =>
        Assert.Equal(pcrs, string.Join(' ', VtpmArguments.Parse([argument]).HardwarePcrs));

    [Theory]
    [InlineData("hwinitpcr=24")]
    [InlineData("hwinitpcr=1-")]
    [InlineData("hwinitpcr=-1")]
    [InlineData("hwinitpcr=1-2-3")]
    [InlineData("hwinitpcr=")]
    [InlineData("hwinitpcr")]
    [InlineData("hwinitpcr= 1")]
    [InlineData("loglevel=loud")]
    [InlineData("loglevel")]
    [InlineData("maintcmds=yes")]
    [InlineData("clear=1")]
    [InlineData("locality=5")]
    [InlineData("locality=a=256")]
    [InlineData("locality=a=")]
    [InlineData("locality==1")]
    [InlineData("frobnicate")]
    [InlineData("")]
    public void Argument_Malformed_IsAnErrorThatNamesIt(string argument) =>
        Assert.Contains($"'{argument}'", Assert.Throws<VtpmArgumentException>(() => VtpmArguments.Parse([argument])).Message, StringComparison.Ordinal);

    [Fact]
    public void Arguments_None_AreTheOriginalsDefaults()
    {
        VtpmArguments arguments = VtpmArguments.Parse([]);
        Assert.Equal(TpmStartupType.Clear, arguments.Startup);
        Assert.False(arguments.MaintenanceCommands);
        Assert.Empty(arguments.HardwarePcrs);
        Assert.True(arguments.Localities.Allows("anything", 255));
    }

    [Theory]
    [InlineData("clear", TpmStartupType.Clear)]
    [InlineData("save", TpmStartupType.State)]
    [InlineData("deactivated", TpmStartupType.Deactivated)]
    public void StartupMode_EachWord_IsItsStartupType(string argument, TpmStartupType type) => Assert.Equal(type, VtpmArguments.Parse([argument]).Startup);

    [Fact]
    public void Locality_FirstEntryThatMatchesTheLabel_Decides()
    {
        LocalityPolicy policy = VtpmArguments.Parse(["locality=system_u:object_r:guest_t=0,1", "locality=*:builder_t=2,3"]).Localities;
        Assert.True(policy.Allows("system_u:object_r:guest_t", 1));
        Assert.False(policy.Allows("system_u:object_r:guest_t", 2));
        Assert.True(policy.Allows("anyone:builder_t", 3));
        Assert.False(policy.Allows("stranger", 0));
    }

    [Fact]
    public void Locality_MoreThanSixteen_IsAnError() =>
        Assert.Throws<VtpmArgumentException>(() => VtpmArguments.Parse(Enumerable.Range(0, 17).Select(i => $"locality=label{i}=0")));

    [Theory]
    [InlineData("clear", true)]
    [InlineData("save", true)]
    [InlineData("deactivated", true)]
    [InlineData("loglevel=debug", true)]
    [InlineData("loglevel=loud", true)]
    [InlineData("maintcmds=1", true)]
    [InlineData("hwinitpcr=all", true)]
    [InlineData("hwinitpcrs=1,3", true)]
    [InlineData("locality=*:vtpm=2", true)]
    [InlineData("loglevel=3", false)]
    [InlineData("loglevel=", false)]
    [InlineData("save=1", false)]
    [InlineData("console=hvc0", false)]
    [InlineData("quiet", false)]
    [InlineData("root=/dev/xvda", false)]
    public void IsArgument_KnowsTheVtpmsWordsAmongTheKernels(string word, bool isOurs) => Assert.Equal(isOurs, VtpmArguments.IsArgument(word));
}
